/** What the executor does as the monitor of a container: `Monitor` of the setting, as steps. */

import type { Place, Step } from "../plan/op.ts";
import type { Facts } from "./facts.ts";
import { stateDirectory } from "./root.ts";
import type { Attachment, Monitor, Setting } from "./setting.ts";
import { byParent, onHost } from "./step.ts";

const farewell = "\nread escape sequence\n";

/** First of all: what is locked or made before would be the caller's process's. */
export function planDetach(setting: Pick<Setting, "monitor" | "runRoot" | "id">): Step[] {
  const { monitor } = setting;
  if (monitor === null || (monitor.announce === null && monitor.attach === null)) return [];
  const { announce, attach } = monitor;
  return [detachStep(announce ?? "", attach, `${stateDirectory(setting)}/pid`)];
}

/**
 * The executor goes on without the caller, who takes part in what flows or not.
 *
 * @param processFile the process to which signals are passed
 */
export const detachStep = (
  announce: string,
  attach: Attachment | null,
  processFile: string | null,
): Step =>
  byParent(
    {
      op: "detach",
      announce,
      attach: attach !== null,
      of: attach?.signals === true && processFile !== null ? onHost(processFile) : null,
      input: attach?.input === true,
      keys: attach?.keys ?? new Uint8Array(),
      farewell,
    },
    attach === null
      ? "--detach: the caller goes on, and nothing of it is kept"
      : "the detach keys leave it, and who watches over it stays",
  );

/** Attaches to a container that runs. */
export const planAttach = (
  { runRoot, id }: Pick<Setting, "runRoot" | "id">,
  { input, keys, signals }: Attachment,
): Step => {
  const state = stateDirectory({ runRoot, id });
  const of = signals ? onHost(`${state}/pid`) : null;
  return byParent(
    { op: "take_part", at: onHost(`${state}/attach`), of, input, keys, farewell },
    "attach",
  );
};

function planLog({ log }: Monitor): Step[] {
  if (log === null) return [];
  const most = BigInt(Math.max(0, log.maxBytes));
  return [
    byParent(
      { op: "log", at: onHost(log.path), mode: 0o600, most, files: log.files },
      "--log-driver",
    ),
  ];
}

function planHealth({ health, program, environment }: Monitor): Step[] {
  if (health === null) return [];
  const { argv, interval, startInterval, startPeriod } = health;
  return [
    byParent(
      {
        op: "health",
        program,
        argv,
        env: environment,
        interval,
        start_interval: startInterval,
        start_period: startPeriod,
      },
      "--health-cmd",
    ),
  ];
}

/** When the state directory is there and locked. */
export function planMonitor(setting: Pick<Setting, "monitor" | "runRoot" | "id">): Step[] {
  const { monitor } = setting;
  if (monitor === null) return [];
  const state = stateDirectory(setting);
  const { afterwards, program, environment, delay } = monitor;
  return [
    byParent(
      {
        op: "write_pid",
        at: onHost(`${state}/monitor`),
        how: "exclusive",
        mode: 0o600,
        started: true,
        own: true,
      },
      "whom to stop, also while no container runs",
    ),
    ...(afterwards.length === 0
      ? []
      : [
          byParent(
            { op: "afterwards", program, argv: afterwards, env: environment },
            "what comes when the container has ended",
          ),
        ]),
    ...planHealth(monitor),
    ...planLog(monitor),
    byParent({ op: "attachable", at: onHost(`${state}/attach`) }, "`attach` connects to it"),
    ...(delay > 0 ? [byParent({ op: "sleep", time: delay }, "--restart: not at once")] : []),
  ];
}

/** When the program runs, and when all that was made is about to go. */
export function planEvents({ events }: Pick<Monitor, "events">): Step[] {
  if (events === null) return [];
  const { path, start, end } = events;
  const line = { op: "append", at: onHost(path), mode: 0o600 } as const;
  return [
    byParent({ ...line, text: start, code: false }, "`events` reads it", {
      ...line,
      text: end,
      code: true,
    }),
  ];
}

/** When the program runs. A start that is stopped before comes to nothing: then the last end still counts. */
export const planRunning = ({ monitor }: Pick<Setting, "monitor">): Step[] =>
  monitor === null
    ? []
    : [
        byParent({ op: "remove", at: onHost(monitor.exit) }, "nobody believes an old one any more"),
        ...planEvents(monitor),
      ];

/** The file that counts a cgroup's ends for want of memory, among the cgroups of the container. */
export function oomCounter(paths: readonly string[], { cgroups }: Facts): Place | null {
  const v1 = cgroups.v1.find(({ controllers }) => controllers.includes("memory"));
  if (v1 !== undefined) {
    const path = paths.find((each) => each.startsWith(`${v1.mount}/`));
    return path === undefined ? null : onHost(`${path}/memory.oom_control`);
  }
  const mount = cgroups.v2?.mount;
  const path = paths.find((each) => mount !== undefined && each.startsWith(`${mount}/`));
  return path === undefined ? null : onHost(`${path}/memory.events`);
}
