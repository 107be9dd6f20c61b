// The steps that bring a container back: what `create` makes around one, and CRIU in its middle.

import type { Op, OpOf, Step } from "../plan/op.ts";
import { planHooks, planHooksOf } from "../planner/hooks.ts";
import { type CgroupSteps, kept, planEnd, planPidFile } from "../planner/plan.ts";
import { planDirectories, planMade } from "../planner/root.ts";
import type { Bundle, Lifetime, Setting } from "../planner/setting.ts";
import { byParent, create, inRoot, mkdir, onHost } from "../planner/step.ts";
import type { Mount, Spec } from "../spec/mod.ts";
import { type CriuOptions, RESTORE_LOG } from "./checkpoint.ts";

export type RestoreWish = {
  /** The directory of all containers' state. */
  readonly root: string;
  readonly id: string;
  readonly rootfs: string;
  readonly config: Bundle;
  /** What `state.json` says. */
  readonly state: string;
  readonly lifetime: Exclude<Lifetime, "created">;
  readonly pidFile: string | null;
  readonly keptPlans: Setting["keptPlans"];
  /** Whether what is bound is a directory; also of what is not there. */
  readonly isDirectory: (path: string) => boolean;
};

export type RestoreCall = Pick<OpOf<"criu">, "paths" | "argv" | "env"> & {
  readonly options: CriuOptions;
  /** Where CRIU writes the new pid. */
  readonly pidFile: string;
  /** Files of cgroups by which CRIU joins them. */
  readonly joins: readonly string[];
  /** Where CRIU's script tells that the namespaces are there; null: there are no hooks to run then. */
  readonly told: string | null;
};

/**
 * The hooks that restore runs, when CRIU has made the namespaces and nothing runs in them yet: of the
 * host those that have work to do there, such as a network's. runc runs the same two. The container's
 * own would find no root, and startContainer and poststart belong to a start, which there is none.
 */
export const RESTORE_HOOKS = ["prestart", "createRuntime"] as const;

const isBelow = (path: string, { destination }: Mount): boolean =>
  path.startsWith(destination.endsWith("/") ? destination : `${destination}/`);

/** Mount points are part of the root, which no checkpoint has in it; those in a mount it brings. */
function planMountPoints(spec: Spec, wish: RestoreWish): Step[] {
  const mounts = (spec.mounts ?? []).filter(({ destination }) => destination !== "/");
  const inRootfs = mounts.filter(
    ({ destination }) => !mounts.some((other) => isBelow(destination, other)),
  );
  const make = ({ destination, type, source }: Mount): Step[] => {
    const isFile = type === "bind" && source !== undefined && !wish.isDirectory(source);
    const parent = destination.slice(0, destination.lastIndexOf("/"));
    const directory = isFile ? parent : destination;
    const file: Op = { ...create(inRoot(destination), "", 0o644), how: "missing" };
    const why = `mounts: a place for ${destination}`;
    return [
      ...(directory === "" ? [] : [byParent(mkdir(inRoot(directory), 0o755, true), why)]),
      ...(isFile ? [byParent(file, why)] : []),
    ];
  };
  return [
    byParent(
      { op: "open", at: onHost(wish.rootfs), flags: ["path", "directory"], into: "root" },
      "root.path",
    ),
    ...inRootfs.flatMap(make),
  ];
}

function planNamespaceFiles({ linux }: Spec): {
  readonly steps: Step[];
  readonly slots: Pick<OpOf<"criu">, "network" | "pids">;
} {
  const steps: Step[] = [];
  const open = (type: "network" | "pid"): string | null => {
    const path = linux?.namespaces?.find((each) => each.type === type)?.path;
    if (path === undefined) return null;
    const into = `ns.${type}`;
    steps.push(
      byParent({ op: "open", at: onHost(path), flags: ["read"], into }, "linux.namespaces"),
    );
    return into;
  };
  const slots = { network: open("network"), pids: open("pid") };
  return { steps, slots };
}

/** A scope is made around a process: the one that will become CRIU. */
const planScope = ({ around = [] }: CgroupSteps): Step[] =>
  around.length === 0
    ? []
    : [byParent({ op: "criu_child" }, "systemd makes a scope around a process"), ...around];

/** CRIU, and between its making of namespaces and of processes the hooks. */
function planCriu(
  spec: Spec,
  { id, config }: RestoreWish,
  { told }: RestoreCall,
  criu: OpOf<"criu">,
): Step[] {
  const why = "restore";
  if (told === null) return [byParent(criu, why)];
  const rest = { op: "criu_rest", pid: criu.pid } as const;
  const view = { spec, setting: { id, bundle: config } };
  return [
    byParent(criu, why, { ...rest, gives_up: true }),
    ...RESTORE_HOOKS.flatMap((kind) => planHooksOf(kind, view)),
    byParent({ ...rest, gives_up: false }, why),
    byParent({ op: "remove", at: onHost(told) }, "it has been told"),
  ];
}

const planPid = (path: string): Step =>
  byParent(
    { op: "write_pid", at: onHost(path), how: "exclusive", mode: 0o600, started: true, own: false },
    "what other commands join",
  );

export function planRestore(
  spec: Spec,
  wish: RestoreWish,
  cgroup: CgroupSteps,
  call: RestoreCall,
): Step[] {
  const { root, id, lifetime, state, config } = wish;
  const isSupervised = lifetime === "supervised";
  const setting = {
    id,
    runRoot: root,
    lifetime,
    keep: !isSupervised,
    state,
    bundle: config,
    monitor: null,
  };
  const directories = {
    ...setting,
    dataRoot: "",
    keptPlans: wish.keptPlans,
    name: null,
    root: { kind: "directory", path: wish.rootfs },
  } as const;
  const namespaces = planNamespaceFiles(spec);
  const { images, work } = call.options;
  const log = onHost(`${work ?? images}/${RESTORE_LOG}`);
  const end: Pick<Setting, "passSignals" | "endWithCaller"> = {
    passSignals: true,
    endWithCaller: false,
  };
  const steps: Step[] = [
    ...planDirectories(directories, spec.process?.args ?? []),
    ...planHooks(spec, setting).due,
    ...cgroup.make,
    ...planScope(cgroup),
    ...planMountPoints(spec, wish),
    ...namespaces.steps,
    ...(work === null ? [] : [byParent(mkdir(onHost(work), 0o700, true), "--work-path")]),
    byParent({ op: "remove", at: log }, "what an earlier CRIU said"),
    ...planCriu(spec, wish, call, {
      op: "criu",
      paths: call.paths,
      argv: call.argv,
      env: call.env,
      log,
      cgroups: call.joins,
      root: onHost(wish.rootfs),
      ...namespaces.slots,
      pid: onHost(call.pidFile),
      told: call.told === null ? null : onHost(call.told),
    }),
    byParent({ op: "remove", at: onHost(call.pidFile) }, "it has been read"),
    planPid(`${root}/${id}/pid`),
    ...planMade(directories),
    ...(wish.pidFile === null ? [] : [planPidFile(wish.pidFile)]),
    planEnd({ ...setting, ...end }, null),
  ];
  return isSupervised ? steps : steps.map(kept);
}
