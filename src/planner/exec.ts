/** A further process in a container that runs: in its namespaces, its cgroups and its root. */

import type { Namespace } from "../plan/constants.ts";
import type { Op, Place, Plan, Step } from "../plan/op.ts";
import type { Linux, Process } from "../spec/mod.ts";
import { planConsole } from "./devices.ts";
import type { Facts } from "./facts.ts";
import { planLabelFiles } from "./labels.ts";
import {
  planEnd,
  planOomScore,
  planParentStreams,
  planPidFile,
  planRootOfNamespace,
} from "./plan.ts";
import { planLookForProgram, planProcess, planStreams } from "./process.ts";
import { planAffinity, planExecutionDomain, planScheduling } from "./schedule.ts";
import type { Setting } from "./setting.ts";
import { byInit, byParent, onHost, slot, write } from "./step.ts";
import { planUsersPipes } from "./users.ts";

/** The container's first process, and where it is. */
export type Target = {
  /** The file in which it is written down. */
  readonly of: Place;
  /** The namespaces that are the container's, and not the host's. */
  readonly namespaces: readonly Namespace[];
  /** What its processes have of it: personality and memory policy. */
  readonly linux: Linux | undefined;
  /** The steps by which who answers the filter's questions is told of the process. */
  readonly agent: readonly Step[];
  /** Files to write to for who joins its cgroups: `tasks` of version 1, `cgroup.procs` of 2. */
  readonly cgroupFiles: readonly string[];
  /** Moves the process there first, where its user may not from where this command is; null: they may. */
  readonly attach: Op | null;
  /**
   * Its root, where its mount namespace has another one: after `--root-switch chroot`, and without a
   * mount namespace of its own, that is the host's. Null: they are the same.
   */
  readonly root: string | null;
};

/** What the engine says of the process beside its `Process`. */
export type ExecSetting = Pick<
  Setting,
  | "user"
  | "groups"
  | "seccomp"
  | "streams"
  | "terminalInput"
  | "lifetime"
  | "consoleSocket"
  | "preserveFds"
  | "pidFile"
  | "bundle"
  | "passSignals"
  | "endWithCaller"
>;

/** In the container's root, which is `/` to who has joined its mount namespace. */
const inside = (path: string): Place => ({ in: "root", path });

function planTerminal(process: Process, { consoleSocket }: ExecSetting): Step[] {
  if (process.terminal !== true) return [];
  return [
    byInit(
      { op: "open", at: inside("/dev/pts"), flags: ["path", "directory"], into: "devpts" },
      "process.terminal",
    ),
    ...planConsole(null, process, consoleSocket),
  ];
}

/**
 * By a descriptor from before the namespaces are joined. The pid may be another process's by then;
 * but joining is by the pidfd from before, and fails when the container's own has ended.
 */
const planRoot = (root: string | null): { readonly before: Step[]; readonly after: Step[] } =>
  root === null
    ? { before: [], after: [] }
    : {
        before: [
          byParent(
            { op: "open", at: onHost(root), flags: ["path", "directory"], into: "chroot" },
            "the root of its mount namespace is the host's, and not its own",
          ),
        ],
        after: [byInit({ op: "enter_root", at: slot("chroot") }, "its root")],
      };

const byPid = (file: string): Step =>
  byParent(
    { op: "write_pid", at: onHost(file), how: "existing", mode: 0, started: false, own: false },
    "the container's cgroups",
  );

/** By the process itself; or by who moves it, and then there is sure that this cgroup is the one. */
function planCgroups({ cgroupFiles, attach }: Target): {
  readonly before: Step[];
  readonly after: Step[];
  readonly byItself: Step[];
} {
  if (attach !== null && cgroupFiles.length > 0) {
    const after = [byParent(attach, "the container's cgroups"), ...cgroupFiles.map(byPid)];
    return { before: [], after, byItself: [] };
  }
  const cgroup = (i: number) => `cgroup${i}`;
  return {
    before: cgroupFiles.map((file, i) =>
      byParent({ op: "open", at: onHost(file), flags: ["write"], into: cgroup(i) }, "its cgroups"),
    ),
    after: [],
    byItself: cgroupFiles.map((_, i) =>
      byInit(write(slot(cgroup(i)), "0"), "the container's cgroups"),
    ),
  };
}

export function planExec(
  target: Target,
  process: Process,
  setting: ExecSetting,
  facts: Facts,
): { readonly plan: Plan; readonly warnings: readonly string[] } {
  const { of, namespaces } = target;
  const cgroups = planCgroups(target);
  const affinity = planAffinity(process.execCPUAffinity ?? {});
  const last = planProcess(process, { ...setting, init: false }, facts);
  const root = planRoot(target.root);
  const steps: Step[] = [
    byParent({ op: "process", of, into: "target" }, "the container's first process"),
    ...root.before,
    ...cgroups.before,
    ...planParentStreams(setting),
    ...planUsersPipes(setting, namespaces.includes("user") ? "target" : null),
    ...target.agent,
    byParent(
      {
        op: "clone",
        namespaces: [],
        cgroup: null,
        user: null,
        process: "target",
        join: namespaces,
        proc: process.oomScoreAdj === undefined ? null : "child",
      },
      "the container's namespaces",
    ),
    ...cgroups.after,
    ...planOomScore(process),
    ...affinity.initial,
    ...cgroups.byItself,
    ...affinity.final,
    ...planScheduling(process),
    ...(namespaces.includes("user") ? [planRootOfNamespace] : []),
    ...root.after,
    byInit({ op: "open", at: onHost("/"), flags: ["path", "directory"], into: "root" }, "its root"),
    ...planLabelFiles(process, facts),
    ...planTerminal(process, setting),
    ...(setting.pidFile === null ? [] : [planPidFile(setting.pidFile)]),
    ...planStreams(process, setting, inside("/dev/null")),
    ...(setting.bundle === null ? [] : [planLookForProgram(process)]),
    ...(setting.lifetime === "supervised"
      ? []
      : [byInit({ op: "outlive" }, "nobody stays who could watch over it")]),
    ...last.closing,
    ...planExecutionDomain(target.linux),
    ...last.steps,
    planEnd({ ...setting, runRoot: "", id: "", keep: false, monitor: null }, null),
  ];
  return { plan: { version: 1, steps }, warnings: last.warnings };
}
