// Plans a container's cgroup: which directories are made in which hierarchies, what is written to
// them, and how the container's first process gets in.
//
// In version 2 the process is born in its cgroup (CLONE_INTO_CGROUP). In version 1 it moves there
// itself, by "0" to the file `tasks`, which the parent has opened: unlike `cgroup.procs` that file takes
// no lock that all forks of the machine wait for. It is alone in its process then, so both files say
// the same.
//
// With systemd the directory is systemd's: it makes a scope around a process, so that comes after
// `clone`. What systemd makes no cgroup for, or has no property for, is made and written as without it.
// In an outer scope all of it is in a cgroup below, of which systemd knows nothing: see below-scope.ts.

import type { Op, Slot, Step } from "../plan/op.ts";
import type { CgroupLayout, CgroupV1, CgroupV2 } from "../planner/facts.ts";
import { byInit, byParent, mkdir, onHost, slot, write } from "../planner/step.ts";
import type { LinuxResources, Problem } from "../spec/mod.ts";
import { addLimits } from "./add-limits.ts";
import { planBelowScope, planEntry } from "./below-scope.ts";
import type { IoWeightFile } from "./block-io.ts";
import { listDeviceRules } from "./device-list.ts";
import { compileDeviceRules } from "./device-program.ts";
import { type DeviceRule, deviceRules } from "./device-rules.ts";
import { type FileWrite, Limits } from "./limits.ts";
import { CGROUPS_PATH, findNameProblem, type Location, locateV1, locateV2 } from "./name.ts";

/** What a container's cgroup shall be, and the facts that the layout does not have. */
export type CgroupRequest = {
  /**
   * `linux.cgroupsPath`, or the default such as `pivot-ID`. An absolute one counts from the mounts,
   * a relative one from the caller's own cgroups.
   */
  readonly name: string;
  readonly resources: LinuxResources | undefined;
  readonly kernel: readonly [major: number, minor: number];
  /** Whether the caller lacks root's rights over the machine's cgroups. */
  readonly rootless: boolean;
  /** Without root: the layout is the part that was delegated to the caller, where cgroups can be made. */
  readonly isDelegated?: boolean;
  /**
   * The container gets a cgroup in every hierarchy of version 1, and in version 2 the controllers that
   * are on at its top, so that limits can be given to it later, and other programs find it where they
   * look. Without it: in those that it needs.
   */
  readonly joinAll?: boolean | undefined;
  /**
   * Needed for `cpu.cpus` and `cpu.mems` in version 1, with `joinAll`, and where cpuset shares its
   * hierarchy.
   */
  readonly cpusetParent?: CpusetParent | undefined;
  /** Needed for weights of block devices in version 2; `io.weight` when absent. */
  readonly ioWeight?: IoWeightFile | undefined;
  /** systemd keeps the container in a scope; `name` is then the scope's cgroup. */
  readonly scope?: ScopeAsk | undefined;
};

/** What systemd is asked for a container: see src/systemd/ask.ts. */
export type ScopeAsk = {
  /** It makes the scope, with the limits that it can keep itself; `rules`: of devices, if any. */
  readonly start: (writes: readonly FileWrite[], rules: readonly DeviceRule[] | undefined) => Op;
  readonly stop: Op;
  /** `name` is that of a cgroup right below the scope's, which has the limits. */
  readonly isOuter?: boolean;
};

/** The nearest cpuset that is there above the container's. */
export type CpusetParent = {
  /** Its directory on the host. */
  readonly directory: string;
  /** Its `cpuset.cpus` and `cpuset.mems`, such as `0-3` and `0`. */
  readonly cpus: string;
  readonly mems: string;
};

export type CgroupPlan = {
  /** By the parent, before `clone`. */
  readonly make: readonly Step[];
  /** By the parent, right after `clone`: what can be made only around a process; absent: nothing. */
  readonly around?: readonly Step[];
  /** The slot with the version 2 cgroup in which the process is born, or null. */
  readonly clone: Slot | null;
  /** By init, before all else: until then it is in the caller's cgroups of version 1. */
  readonly join: readonly Step[];
  /** The directories that are made for this container alone. */
  readonly paths: readonly string[];
  readonly warnings: readonly string[];
};

/**
 * Controllers of version 1 that a container joins only for a limit in them, unless it joins all.
 * cpuset has to be filled first and moves the process between CPUs; net_cls, net_prio and perf_event
 * only mark; hugetlb, rdma and misc keep nothing but limits. Each would cost three system calls of a
 * start, and one of an end. The others also count, pause or can be given a limit later.
 */
const joinedForLimits: Readonly<Record<string, true>> = {
  cpuset: true,
  net_cls: true,
  net_prio: true,
  perf_event: true,
  hugetlb: true,
  rdma: true,
  misc: true,
};

/** The slot of the version 2 cgroup. */
const DIRECTORY: Slot = "cgroup";

/** The steps of a plan while it is put together. */
type Draft = {
  readonly make: Step[];
  readonly join: Step[];
  readonly paths: string[];
  clone: Slot | null;
};

/** Plans a container's cgroup, or says everything that stands against it. */
export function planCgroup(request: CgroupRequest, layout: CgroupLayout): CgroupPlan | Problem[] {
  const { name, resources = {}, kernel, rootless } = request;
  const nameProblem = findNameProblem(name);
  if (nameProblem !== undefined) return [nameProblem];
  const limits = new Limits({ layout, kernel, rootless });
  addLimits(resources, limits, layout, request.ioWeight ?? "io.weight");
  const devices = placeDevices(resources, layout, rootless, limits);
  if (limits.problems.length > 0) return limits.problems;

  const draft: Draft = { make: [], join: [], paths: [], clone: null };
  const { scope } = request;
  if (scope !== undefined) {
    const start = scope.start(limits.all(), devices?.rules);
    draft.make.push(byParent(start, CGROUPS_PATH, scope.stop));
  }
  if (!rootless && layout.mode !== "v2") {
    for (const hierarchy of layout.v1) {
      const problem = planV1({ hierarchy, request, limits, devices }, draft);
      if (problem !== undefined) return [problem];
    }
  }
  if (layout.v2 !== null && isV2Wanted(layout, layout.v2, limits, devices, request)) {
    planV2({ hierarchy: layout.v2, request, limits, devices }, draft);
  }
  if (rootless && draft.paths.length === 0 && name.startsWith("/")) {
    limits.warnings.push(`${CGROUPS_PATH}: not used: only root may make cgroups there`);
  }
  const { make, ...rest } = draft;
  const steps = scope === undefined ? { make } : { make: [], around: make };
  return { ...rest, ...steps, warnings: limits.warnings };
}

/** Device rules, for the one hierarchy that keeps them. */
type Devices = { readonly version: 1 | 2; readonly rules: readonly DeviceRule[] };

function placeDevices(
  resources: LinuxResources,
  layout: CgroupLayout,
  rootless: boolean,
  limits: Limits,
): Devices | undefined {
  const rules = deviceRules(resources.devices ?? []);
  if (rules === undefined) return undefined;
  const inV1 = layout.v1.some(({ controllers }) => controllers.includes("devices"));
  if (!rootless && inV1) return { version: 1, rules };
  if (!rootless && layout.v2 !== null) return { version: 2, rules };
  const reason = rootless
    ? "only root may set them; without root, the kernel lets nobody make device nodes anyway"
    : "there is no cgroup hierarchy that could keep them";
  limits.warnings.push(`linux.resources.devices: not in force: ${reason}`);
  return undefined;
}

/** In a hybrid layout version 2 is left alone unless something lives there and nowhere else. */
function isV2Wanted(
  layout: CgroupLayout,
  v2: CgroupV2,
  limits: Limits,
  devices: Devices | undefined,
  { rootless, isDelegated = false, joinAll = false, scope }: CgroupRequest,
): boolean {
  if (devices?.version === 2 || scope !== undefined) return true;
  if (isDelegated || (!rootless && (layout.mode === "v2" || joinAll))) return true;
  return writesOf(v2.controllers, limits).length > 0 || limits.writes("cgroup").length > 0;
}

/** All that is written for some controllers. */
function writesOf(controllers: readonly string[], limits: Limits): readonly FileWrite[] {
  const writes: FileWrite[] = [];
  for (let i = 0; i < controllers.length; i++) writes.push(...limits.writes(controllers[i] ?? ""));
  return writes;
}

type Wish<Hierarchy> = {
  readonly hierarchy: Hierarchy;
  readonly request: CgroupRequest;
  readonly limits: Limits;
  readonly devices: Devices | undefined;
};

const writeIn = (directory: string, { file, text, why }: FileWrite): Step =>
  byParent(write(onHost(`${directory}/${file}`), text), why);

/** Makes the cgroups above where they are missing; others may be in them, so they stay. */
function planAbove({ between }: Location, why: string, draft: Draft): void {
  const above = between.at(-1);
  if (above !== undefined) draft.make.push(byParent(mkdir(onHost(above), 0o755, true), why));
}

/**
 * Makes the cgroup, which must not be there: its end would end whatever else is in it. That of a scope
 * is there, or not, as systemd has it; the scope itself was new.
 */
function planDirectory({ directory }: Location, request: CgroupRequest, draft: Draft): void {
  const at = onHost(directory);
  const make = mkdir(at, 0o755, request.scope !== undefined);
  draft.make.push(byParent(make, CGROUPS_PATH, { op: "remove_cgroup", at }));
  draft.paths.push(directory);
}

function planV1(wish: Wish<CgroupV1>, draft: Draft): Problem | undefined {
  const { hierarchy, request, limits, devices } = wish;
  const { controllers } = hierarchy;
  const writes = writesOf(controllers, limits);
  const isOptional = controllers.every((name) => joinedForLimits[name] === true);
  if (writes.length === 0 && isOptional && request.joinAll !== true) return undefined;
  const location = locateV1(hierarchy, request.name);
  const why = CGROUPS_PATH;
  planAbove(location, why, draft);
  planDirectory(location, request, draft);
  if (controllers.includes("cpuset")) {
    const problem = planCpuset(wish, location, draft);
    if (problem !== undefined) return problem;
  }
  writes.forEach((entry) => {
    if (!entry.file.startsWith("cpuset.")) draft.make.push(writeIn(location.directory, entry));
  });
  if (devices?.version === 1 && controllers.includes("devices")) {
    const list = listDeviceRules(devices.rules);
    if ("path" in list) return list;
    draft.make.push(...list.map((entry) => writeIn(location.directory, entry)));
  }
  const at = onHost(`${location.directory}/tasks`);
  if (request.scope !== undefined) {
    draft.make.push(planEntry(at));
    return undefined;
  }
  const tasks: Slot = `cgroup ${controllers.join(",")}`;
  draft.make.push(byParent({ op: "open", at, flags: ["write"], into: tasks }, why));
  draft.join.push(byInit(write(slot(tasks), "0"), why));
  return undefined;
}

/** Fills the cpuset of a new cgroup, and those of the new cgroups above it, from the one that is there. */
function planCpuset(wish: Wish<CgroupV1>, location: Location, draft: Draft): Problem | undefined {
  const { request, limits } = wish;
  const asked = limits.writes("cpuset");
  const why = asked[0]?.why ?? CGROUPS_PATH;
  const parent = request.cpusetParent;
  if (parent === undefined || parent.cpus === "" || parent.mems === "") {
    return {
      path: why,
      expected: `a cpuset above ${location.directory} with CPUs and memory nodes`,
      received:
        parent === undefined ? "none that could be read" : `an empty one at ${parent.directory}`,
    };
  }
  const fill = (directory: string, file: "cpus" | "mems") =>
    draft.make.push(writeIn(directory, { file: `cpuset.${file}`, text: parent[file], why }));
  for (const directory of location.between) {
    if (!directory.startsWith(`${parent.directory}/`)) continue;
    fill(directory, "cpus");
    fill(directory, "mems");
  }
  for (const file of ["cpus", "mems"] as const) {
    const own = asked.find((entry) => entry.file === `cpuset.${file}`);
    if (own === undefined) fill(location.directory, file);
    else draft.make.push(writeIn(location.directory, own));
  }
  return undefined;
}

function planV2(wish: Wish<CgroupV2>, draft: Draft): void {
  const { hierarchy, request, limits, devices } = wish;
  const location = locateV2(hierarchy, request.name);
  const why = CGROUPS_PATH;
  if (request.scope?.isOuter === true) {
    const own = writesOf([...hierarchy.controllers, "cgroup"], limits);
    draft.make.push(...planBelowScope(location.directory, hierarchy.controllers, own));
    draft.paths.push(location.directory);
    return;
  }
  planAbove(location, why, draft);
  // In a user's own, systemd has switched on what it may.
  if (request.scope === undefined || !request.rootless) planControllers(wish, location, draft);
  planDirectory(location, request, draft);
  const writes = writesOf([...hierarchy.controllers, "cgroup"], limits);
  writes.forEach((entry) => draft.make.push(writeIn(location.directory, entry)));
  const at = onHost(location.directory);
  draft.make.push(byParent({ op: "open", at, flags: ["path", "directory"], into: DIRECTORY }, why));
  if (devices?.version === 2) {
    const program = compileDeviceRules(devices.rules);
    draft.make.push(
      byParent({ op: "device_filter", cgroup: DIRECTORY, program }, "linux.resources.devices"),
    );
  }
  const file = onHost(`${location.directory}/cgroup.procs`);
  if (request.scope !== undefined) {
    draft.make.push(planEntry(file));
    return;
  }
  if (limits.isSince([5, 7])) {
    draft.clone = DIRECTORY;
    return;
  }
  const processes: Slot = "cgroup processes";
  draft.make.push(byParent({ op: "open", at: file, flags: ["write"], into: processes }, why));
  draft.join.push(byInit(write(slot(processes), "0"), why));
}

/**
 * Switches controllers on for the new cgroup, in all cgroups above it: what the layout knows to be on
 * is left out, the rest is no change where it is on already. Without root only what lies below the
 * delegated cgroup can be written to, and what is above it has been settled by who delegated.
 */
function planControllers(
  { hierarchy, request, limits }: Wish<CgroupV2>,
  { base, between }: Location,
  draft: Draft,
): void {
  const isNeeded = (name: string): boolean =>
    limits.writes(name).length > 0 ||
    (request.joinAll === true && hierarchy.enabled.includes(name));
  const needed = hierarchy.controllers.filter(isNeeded);
  if (needed.length === 0) return;
  const directories = [base, ...between];
  for (let path = base; !request.rootless && path.length > hierarchy.mount.length; ) {
    path = path.slice(0, path.lastIndexOf("/"));
    directories.unshift(path);
  }
  for (const directory of directories) {
    const isTop = directory === hierarchy.mount;
    const off = needed.filter((name) => !isTop || !hierarchy.enabled.includes(name));
    if (off.length === 0) continue;
    const text = off.map((name) => `+${name}`).join(" ");
    const whys = off.map((name) => limits.writes(name)[0]?.why ?? CGROUPS_PATH);
    const why = [...new Set(whys)].join(", ");
    draft.make.push(writeIn(directory, { file: "cgroup.subtree_control", text, why }));
  }
}
