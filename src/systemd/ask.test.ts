import { expect, test } from "bun:test";
import { formatProblem } from "../spec/problem.ts";
import {
  askForChange,
  askForOuterScope,
  askForScope,
  attachToScope,
  changeScope,
  type Manager,
  readPropertyAnnotations,
  startScope,
  stopScope,
} from "./ask.ts";
import { text } from "./message.ts";

const manager: Manager = {
  socket: "/run/systemd/private",
  bus: false,
  uid: 0,
  user: false,
  root: "",
};
const scope = {
  slice: "system.slice",
  unit: "pivot-web.scope",
  path: "/system.slice/pivot-web.scope",
};
const wish = { scope, manager, description: "pivot container web", properties: [] };

const words = (messages: Uint8Array): string => Buffer.from(messages).toString("latin1");

/** What stands before the pid: the property's name, its type, and how many bytes the array has. */
const onePid = "PIDs\0\x02au\0\0\0\0\x04\0\0\0";

/** The header's field 3, a text. */
function memberOf(message: Uint8Array): string {
  const said = words(message);
  const at = said.indexOf("\x03\x01s\0") + 8;
  return said.slice(at, said.indexOf("\0", at));
}

/** The members of the messages in their order, by their lengths, as the executor goes along them. */
function membersOf(messages: Uint8Array): string[] {
  const view = new DataView(messages.buffer);
  const members: string[] = [];
  for (let at = 0; at < messages.length; ) {
    const length =
      Math.ceil((16 + view.getUint32(at + 12, true)) / 8) * 8 + view.getUint32(at + 4, true);
    members.push(memberOf(messages.slice(at, at + length)));
    at += length;
  }
  return members;
}

test("a scope is made around the process, after one that failed is forgotten", () => {
  const op = startScope(wish, [{ name: "MemoryMax", value: text("x") }]);
  expect(op).toMatchObject({
    op: "ask_systemd",
    gist: "make the scope pivot-web.scope in system.slice",
    at: { in: "host", path: "/run/systemd/private" },
    identity: "30",
    required: true,
  });
  expect(membersOf(op.messages)).toEqual(["ResetFailedUnit", "StartTransientUnit"]);
  const before = words(op.messages).slice(0, op.process_at);
  expect(before).toEndWith(onePid);
  for (const name of ["Delegate", "Slice", "CollectMode", "DefaultDependencies", "MemoryMax"]) {
    expect(words(op.messages)).toContain(name);
  }
});

test("properties of annotations come last, and so count", () => {
  const op = startScope({ ...wish, properties: [{ name: "TasksMax", value: text("y") }] }, [
    { name: "MemoryMax", value: text("x") },
  ]);
  const said = words(op.messages);
  expect(said.indexOf("TasksMax")).toBeGreaterThan(said.indexOf("MemoryMax"));
});

test("a bus is greeted, and asked for the ends of jobs", () => {
  const op = startScope({ ...wish, manager: { ...manager, bus: true, uid: 1234 } }, []);
  expect(membersOf(op.messages)).toEqual([
    "Hello",
    "AddMatch",
    "Subscribe",
    "ResetFailedUnit",
    "StartTransientUnit",
  ]);
  expect(op.identity).toBe("31323334");
  expect(words(op.messages).slice(0, op.process_at)).toEndWith(onePid);
});

test("stopping is no failure, nor is that there is nothing to stop", () => {
  const op = stopScope(manager, "a.scope");
  expect(op).toMatchObject({
    required: false,
    process_at: 0,
    tolerated: ["org.freedesktop.systemd1.NoSuchUnit"],
  });
  expect(membersOf(op.messages)).toEqual(["StopUnit", "ResetFailedUnit"]);
});

test("new limits are asked for only when there are some that systemd keeps", () => {
  const change = askForChange(manager, "a.scope");
  expect(change([], undefined)).toBeNull();
  expect(change([{ file: "memory.oom.group", text: "1", why: "" }], undefined)).toBeNull();
  const op = change([{ file: "pids.max", text: "5", why: "" }], undefined);
  expect(op?.op === "ask_systemd" ? membersOf(op.messages) : op).toEqual(["SetUnitProperties"]);
  expect(changeScope(manager, "a.scope", []).required).toBe(true);
  const { start } = askForScope(wish);
  const made = start([{ file: "pids.max", text: "5", why: "" }], []);
  expect(made.op === "ask_systemd" && words(made.messages)).toContain("DevicePolicy");
});

const annotation = (name: string, value: string) => {
  const found = readPropertyAnnotations({ other: "x", [`org.systemd.property.${name}`]: value });
  return Array.isArray(found)
    ? found.map(
        (each) =>
          `${each.name} ${each.value.type} ${"value" in each.value ? each.value.value : ""}`,
      )
    : formatProblem(found);
};

test("annotations become properties; seconds become microseconds", () => {
  expect(annotation("CollectMode", "'inactive'")).toEqual(["CollectMode s inactive"]);
  expect(annotation("TimeoutStopUSec", "uint64 5")).toEqual(["TimeoutStopUSec t 5"]);
  expect(annotation("TimeoutStopSec", "5")).toEqual(["TimeoutStopUSec t 5000000"]);
  expect(annotation("TimeoutStopSec", "uint64 5")).toEqual(["TimeoutStopUSec t 5000000"]);
  expect(annotation("TimeoutStopSec", "1.5")).toEqual(["TimeoutStopUSec t 1500000"]);
  expect(readPropertyAnnotations({ a: "b" })).toEqual([]);
});

test("annotations that are none are refused in one line", () => {
  expect(annotation("a b", "true")).toMatch(/the name of a unit's property.*received "a b"/);
  expect(annotation("Slice", "'a.slice'")).toMatch(
    /does not set itself: the slice is the first part/,
  );
  expect(annotation("PIDs", "@au [1]")).toMatch(/does not set itself, received "PIDs"/);
  expect(annotation("", "true")).toMatch(/the name of a unit's property/);
  expect(annotation("CollectMode", "inactive")).toMatch(/GVariant.*received "inactive"/);
  expect(annotation("TimeoutStopSec", "'5'")).toMatch(/a number of seconds/);
  expect(annotation("TimeoutStopSec", "-5")).toMatch(/a number of seconds/);
});

test("an outer scope takes the place of one of an earlier run, and keeps no limit, not even the default", () => {
  const { start, stop, isOuter } = askForOuterScope(wish);
  const op = start([{ file: "memory.max", text: "5", why: "" }], undefined);
  if (op.op !== "ask_systemd") throw new Error(op.op);
  expect(isOuter).toBe(true);
  expect(membersOf(op.messages)).toEqual(["StopUnit", "ResetFailedUnit", "StartTransientUnit"]);
  expect(op.tolerated).toEqual(["org.freedesktop.systemd1.NoSuchUnit"]);
  const said = words(op.messages);
  expect(said).not.toContain("MemoryMax");
  expect(said).toContain(
    `TasksMax\0\x01t\0${"\0".repeat(said.indexOf("\xff".repeat(8)) - said.indexOf("TasksMax") - 12)}`,
  );
  expect(stop).toEqual(stopScope(manager, scope.unit));
});

test("a process is moved to a cgroup below a scope", () => {
  const op = attachToScope({ ...manager, user: true, uid: 7 }, scope.unit, "/container");
  expect(op).toMatchObject({ required: true, identity: "37" });
  expect(membersOf(op.messages)).toEqual(["AttachProcessesToUnit"]);
  const said = words(op.messages);
  expect(said).toContain("pivot-web.scope\0");
  expect(said).toContain("/container\0");
  expect(op.process_at).toBe(op.messages.length - 4);
});
