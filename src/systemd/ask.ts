/**
 * What a container wants of systemd, as operations: its scope is made, changed, and stopped.
 *
 * Source: org.freedesktop.systemd1(5), "The Manager Object".
 */

import type { DeviceRule } from "../cgroup/device-rules.ts";
import type { FileWrite } from "../cgroup/limits.ts";
import type { ScopeAsk } from "../cgroup/plan.ts";
import type { ScopeChange } from "../cgroup/update.ts";
import type { OpOf } from "../plan/op.ts";
import { onHost } from "../planner/step.ts";
import type { Problem } from "../spec/mod.ts";
import { quote } from "../spec/problem.ts";
import { array, bool, type Call, marshalCall, text, u64, type Value } from "./message.ts";
import {
  type Property,
  propertiesOfDevices,
  propertiesOfWrites,
  propertyList,
} from "./properties.ts";
import { parsePropertyText } from "./property-text.ts";
import type { Scope } from "./scope.ts";

/** Where a manager of systemd is reached. */
export type Manager = {
  /** The socket's path. */
  readonly socket: string;
  /** There is a message bus between: it wants to be greeted, and asked for signals. */
  readonly bus: boolean;
  /** Who asks, as those outside of a user namespace see it. */
  readonly uid: number;
  /** The manager is a user's own: `systemd --user`. */
  readonly user: boolean;
  /** The manager's own cgroup, with which those of its units begin: empty for the machine's. */
  readonly root: string;
};

/** Milliseconds that systemd has for an answer, and for a job: as runc has it. */
const PATIENCE = 30_000;

/** CGROUP_LIMIT_MAX. */
const NO_LIMIT = 2n ** 64n - 1n;

const NAME = "org.freedesktop.systemd1";
const MANAGER = `${NAME}.Manager`;
const NO_SUCH_UNIT = `${NAME}.NoSuchUnit`;

const ofManager = (member: string, ...body: readonly Value[]): Call => ({
  destination: NAME,
  path: "/org/freedesktop/systemd1",
  interface: MANAGER,
  member,
  body,
});

const ofBus = (member: string, ...body: readonly Value[]): Call => ({
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
  member,
  body,
});

const greetings: readonly Call[] = [
  ofBus("Hello"),
  ofBus(
    "AddMatch",
    text(`type='signal',sender='${NAME}',interface='${MANAGER}',member='JobRemoved'`),
  ),
  // Without it systemd sends no signal to the bus.
  ofManager("Subscribe"),
];

type Ask = OpOf<"ask_systemd">;

/** The calls as one operation. Each that gives a job is waited for until the job is done. */
function ask(manager: Manager, gist: string, calls: readonly Call[], required: boolean): Ask {
  const all = manager.bus ? [...greetings, ...calls] : calls;
  const bytes: number[] = [];
  let processAt = 0;
  all.forEach((call, i) => {
    const message = marshalCall(call, i + 1);
    if (message.processAt !== null) processAt = bytes.length + message.processAt;
    bytes.push(...message.bytes);
  });
  const identity = [...String(manager.uid)].map((digit) => `3${digit}`).join("");
  return {
    op: "ask_systemd",
    gist,
    at: onHost(manager.socket),
    identity,
    messages: Uint8Array.from(bytes),
    process_at: processAt,
    tolerated: [NO_SUCH_UNIT],
    patience: PATIENCE,
    required,
  };
}

export type ScopeWish = {
  readonly scope: Scope;
  readonly manager: Manager;
  /** What people see in `systemctl status`. */
  readonly description: string;
  /** Of the annotations `org.systemd.property.*`. */
  readonly properties: readonly Property[];
  /** One of the same name is stopped first: it is of an earlier run, of which systemd is yet to see the end. */
  readonly afresh?: boolean;
};

/**
 * The scope, made around the container's first process. One that has failed before is forgotten
 * first: its name would be taken.
 *
 * @param limits the limits and device rules as properties
 */
export function startScope(
  { scope, manager, description, properties, afresh = false }: ScopeWish,
  limits: readonly Property[],
): Ask {
  const all: readonly Property[] = [
    { name: "Description", value: text(description) },
    { name: "Slice", value: text(scope.slice) },
    { name: "Delegate", value: bool(true) },
    { name: "PIDs", value: array("u", [{ type: "process" }]) },
    ...["MemoryAccounting", "CPUAccounting", "IOAccounting", "TasksAccounting"].map((name) => ({
      name,
      value: bool(true),
    })),
    // Else it would end only after all services at a shutdown, some of which wait for it.
    { name: "DefaultDependencies", value: bool(false) },
    // One that fails leaves nothing behind, also when nobody is there to say `delete`.
    { name: "CollectMode", value: text("inactive-or-failed") },
    ...limits,
    ...properties,
  ];
  const calls = [
    ...(afresh ? [ofManager("StopUnit", text(scope.unit), text("replace"))] : []),
    ofManager("ResetFailedUnit", text(scope.unit)),
    ofManager(
      "StartTransientUnit",
      text(scope.unit),
      text("replace"),
      propertyList(all),
      array("(sa(sv))", []),
    ),
  ];
  return ask(manager, `make the scope ${scope.unit} in ${scope.slice}`, calls, true);
}

/** Other limits for the scope, until it ends. */
export const changeScope = (manager: Manager, unit: string, limits: readonly Property[]): Ask =>
  ask(
    manager,
    `change the limits of ${unit}`,
    [ofManager("SetUnitProperties", text(unit), bool(true), propertyList(limits))],
    true,
  );

/**
 * The scope's end. What goes wrong is told and is no failure: a container can be deleted also where
 * systemd is gone.
 */
export const stopScope = (manager: Manager, unit: string): Ask =>
  ask(
    manager,
    `stop ${unit}`,
    [ofManager("StopUnit", text(unit), text("replace")), ofManager("ResetFailedUnit", text(unit))],
    false,
  );

function propertiesOf(
  writes: readonly FileWrite[],
  rules: readonly DeviceRule[] | undefined,
): Property[] {
  const devices = rules === undefined ? [] : propertiesOfDevices(rules);
  return [...propertiesOfWrites(writes), ...devices];
}

/** What `planCgroup` is to ask for. */
export const askForScope = (wish: ScopeWish): ScopeAsk => ({
  start: (writes, rules) => startScope(wish, propertiesOf(writes, rules)),
  stop: stopScope(wish.manager, wish.scope.unit),
});

/**
 * What `planCgroup` is to ask for where the scope is only handed over, and the container is in a cgroup of
 * its own below: no limit is systemd's, so it has none to write again, nor one of its own by default.
 */
export const askForOuterScope = (wish: ScopeWish): ScopeAsk => ({
  isOuter: true,
  start: () => startScope({ ...wish, afresh: true }, [{ name: "TasksMax", value: u64(NO_LIMIT) }]),
  stop: stopScope(wish.manager, wish.scope.unit),
});

/**
 * A process moves to a cgroup below a scope. A user's manager asks the machine's to do it where the
 * user may not: from a session's scope, which is root's, to what is the user's.
 *
 * @param below the cgroup from the scope's on: `/container`
 */
export const attachToScope = (manager: Manager, unit: string, below: string): Ask =>
  ask(
    manager,
    `move the process to ${unit}`,
    [
      ofManager(
        "AttachProcessesToUnit",
        text(unit),
        text(below),
        array("u", [{ type: "process" }]),
      ),
    ],
    true,
  );

/** What `planUpdate` is to ask for. */
export const askForChange =
  (manager: Manager, unit: string): ScopeChange =>
  (writes, rules) => {
    const limits = propertiesOf(writes, rules);
    return limits.length === 0 ? null : changeScope(manager, unit, limits);
  };

const ANNOTATION = "org.systemd.property.";

/** With another value the container would not be where it is looked for, or not be in the scope at all. */
const ours: ReadonlySet<string> = new Set(["Slice", "PIDs", "Delegate"]);

/** Seconds as people say them become the microseconds that systemd's properties have. */
function inMicroseconds(value: Value): Value | undefined {
  switch (value.type) {
    case "t":
    case "x":
      return u64(value.value * 1_000_000n);
    case "d":
      return u64(BigInt(Math.round(value.value * 1e6)));
    case "y":
    case "n":
    case "q":
    case "i":
    case "u":
      return u64(BigInt(value.value) * 1_000_000n);
    default:
      return undefined;
  }
}

/** Properties that a configuration asks for by its annotations, or what is wrong with one. */
export function readPropertyAnnotations(
  annotations: Readonly<Record<string, string>>,
): Property[] | Problem {
  const properties: Property[] = [];
  for (const [key, source] of Object.entries(annotations)) {
    if (!key.startsWith(ANNOTATION)) continue;
    const name = key.slice(ANNOTATION.length);
    const path = `annotations[${quote(key)}]`;
    if (ours.has(name)) {
      return {
        path,
        expected: `a property that pivot does not set itself${name === "Slice" ? ": the slice is the first part of linux.cgroupsPath" : ""}`,
        received: quote(name),
      };
    }
    if (!/^[A-Za-z]{3,}$/.test(name)) {
      return {
        path,
        expected: "the name of a unit's property, such as TimeoutStopUSec",
        received: quote(name),
      };
    }
    const isSeconds = /[^U]Sec$/.test(name);
    const given = parsePropertyText(source);
    const value = given !== undefined && isSeconds ? inMicroseconds(given) : given;
    const isWhole = value !== undefined && (value.type !== "t" || value.value >= 0n);
    if (!isWhole) {
      return {
        path,
        expected: isSeconds
          ? "a number of seconds"
          : 'a value in GVariant\'s text format, such as "uint64 5", "true" or "\'text\'"',
        received: quote(source),
      };
    }
    properties.push({ name: isSeconds ? name.replace(/Sec$/, "USec") : name, value });
  }
  return properties;
}
