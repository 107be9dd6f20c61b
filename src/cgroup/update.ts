// Plans the change of a running container's limits: what is written to the cgroups that it has.
//
// What is left out of the new limits stays as it is. Nothing is made here and nothing undone: a write
// that the kernel refuses leaves those before it in force, as the order of the steps shows.

import type { Op, Slot, Step } from "../plan/op.ts";
import type { CgroupLayout, CgroupV2 } from "../planner/facts.ts";
import { byParent, onHost, write } from "../planner/step.ts";
import type { LinuxResources, Problem } from "../spec/mod.ts";
import { addLimits } from "./add-limits.ts";
import type { IoWeightFile } from "./block-io.ts";
import { listDeviceRules } from "./device-list.ts";
import { compileDeviceRules } from "./device-program.ts";
import { ALL_ACCESS, type DeviceRule, deviceRules } from "./device-rules.ts";
import { type Controller, type FileWrite, Limits } from "./limits.ts";
import {
  checkPresent,
  completeCpu,
  completeMemory,
  inOrder,
  type PresentLimits,
} from "./present.ts";

/** The new limits, and what is to be known of the container's cgroups. */
export type UpdateRequest = {
  readonly resources: LinuxResources;
  /** The cgroups that were made for it, as directories of the host. */
  readonly directories: readonly string[];
  readonly present: PresentLimits;
  readonly kernel: readonly [major: number, minor: number];
  readonly rootless: boolean;
  /** Needed for weights of block devices in version 2; `io.weight` when absent. */
  readonly ioWeight?: IoWeightFile | undefined;
  /** Of a container in a scope: systemd is told as well, which else would write the old ones again. */
  readonly scope?: ScopeChange | undefined;
};

/** What systemd is asked; `rules` only with new ones; null: nothing. */
export type ScopeChange = (
  writes: readonly FileWrite[],
  rules: readonly DeviceRule[] | undefined,
) => Op | null;

export type UpdatePlan = {
  /** All by the parent: there is no other process. */
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
};

const DEVICES = "linux.resources.devices";

/** The slot of the version 2 cgroup, for a device program. */
const DIRECTORY: Slot = "cgroup";

/** Plans new limits for a container, or says everything that stands against them. */
export function planUpdate(request: UpdateRequest, layout: CgroupLayout): UpdatePlan | Problem[] {
  const { present, kernel, rootless, ioWeight = "io.weight" } = request;
  const limits = new Limits({ layout, kernel, rootless });
  const resources = complete(request.resources, present, layout);
  checkPresent(request.resources, present, limits);
  checkFiles(request.resources, present, layout, limits);
  if (limits.problems.length > 0) return limits.problems;
  addLimits(resources, limits, layout, ioWeight);
  addReturns(resources, present, limits, layout);
  const steps: Step[] = [...planScope(request, limits)];
  for (const { controllers, mount } of layout.v1) {
    const writes = controllers.flatMap((name) => limits.writes(name));
    if (writes.length === 0) continue;
    const directory = below(mount, request.directories);
    if (directory === undefined) refuseUnjoined(writes, controllers, limits);
    else addWrites(directory, inOrder(writes, resources, present), steps);
  }
  if (layout.v2 !== null) planV2({ request, resources, v2: layout.v2, limits }, steps);
  planDevices(request, layout, limits, steps);
  return limits.problems.length > 0 ? limits.problems : { steps, warnings: limits.warnings };
}

/** Where a controller lives, if it does. */
function versionOf({ v1, v2 }: CgroupLayout, inV1: Controller): 1 | 2 | undefined {
  if (v1.some(({ controllers }) => controllers.includes(inV1))) return 1;
  return v2?.controllers.includes(inV1) === true ? 2 : undefined;
}

function complete(
  resources: LinuxResources,
  present: PresentLimits,
  layout: CgroupLayout,
): LinuxResources {
  const { memory, cpu } = resources;
  return {
    ...resources,
    ...(memory && { memory: completeMemory(memory, present, versionOf(layout, "memory")) }),
    ...(cpu && { cpu: completeCpu(cpu, present, versionOf(layout, "cpu")) }),
  };
}

/** A file that this kernel does not have, although it has the controller. */
function checkFiles(
  { memory = {} }: LinuxResources,
  present: PresentLimits,
  layout: CgroupLayout,
  limits: Limits,
): void {
  const version = versionOf(layout, "memory");
  const isOn = version === 1 || present.controllers?.includes("memory") === true;
  const isAsked = memory.swap !== undefined && memory.swap > 0n;
  if (!isAsked || !isOn || present.memory === undefined || present.swap !== undefined) return;
  limits.refuse(
    "linux.resources.memory.swap",
    "a kernel that counts swap by cgroup",
    "one that does not: start Linux with swapaccount=1, or leave this out",
  );
}

/** What a new cgroup has by default, and is written only to take another value back. */
function addReturns(
  { memory = {}, cpu = {} }: LinuxResources,
  present: PresentLimits,
  limits: Limits,
  layout: CgroupLayout,
): void {
  if (memory.disableOOMKiller === false && versionOf(layout, "memory") === 1) {
    limits.write("memory.oom_control", 0, "linux.resources.memory.disableOOMKiller");
  }
  const version = versionOf(layout, "cpu");
  if (cpu.idle === 0 && present.idle === 1n)
    limits.write("cpu.idle", 0, "linux.resources.cpu.idle");
  if (cpu.burst === 0n && (present.burst ?? 0n) > 0n) {
    const file = version === 2 ? "cpu.max.burst" : "cpu.cfs_burst_us";
    limits.write(file, 0, "linux.resources.cpu.burst");
  }
}

/** The container's own cgroup in a hierarchy. */
const below = (mount: string, directories: readonly string[]): string | undefined =>
  directories.find((directory) => directory.startsWith(`${mount}/`));

const writeIn = (directory: string, { file, text, why }: FileWrite): Step =>
  byParent(write(onHost(`${directory}/${file}`), text), why);

function addWrites(directory: string, writes: readonly FileWrite[], steps: Step[]): void {
  for (const entry of writes) steps.push(writeIn(directory, entry));
}

function refuseUnjoined(
  writes: readonly FileWrite[],
  controllers: readonly string[],
  limits: Limits,
): void {
  for (const { why } of writes) {
    limits.refuse(
      why,
      `a container that is in a cgroup of ${controllers.join(",")}`,
      "one that was started without: start it with this limit, then it can be changed",
    );
  }
}

type Wish = {
  readonly request: UpdateRequest;
  readonly resources: LinuxResources;
  readonly v2: CgroupV2;
  readonly limits: Limits;
};

function planV2({ request, resources, v2, limits }: Wish, steps: Step[]): void {
  const needed = v2.controllers.filter((name) => limits.writes(name).length > 0);
  const writes = [...needed, "cgroup"].flatMap((name) => limits.writes(name));
  if (writes.length === 0) return;
  const directory = below(v2.mount, request.directories);
  if (directory === undefined) {
    refuseUnjoined(writes, ["version 2"], limits);
    return;
  }
  const on = request.present.controllers ?? [];
  const off = needed.filter((name) => !on.includes(name));
  if (off.length > 0) {
    const text = off.map((name) => `+${name}`).join(" ");
    const why = off.map((name) => limits.writes(name)[0]?.why).join(", ");
    for (const above of between(v2.mount, directory)) {
      steps.push(writeIn(above, { file: "cgroup.subtree_control", text, why }));
    }
  }
  // What was only filled in from the present limits need not be written again.
  const isNew = ({ file }: FileWrite): boolean =>
    file !== "memory.max" || request.resources.memory?.limit !== undefined;
  addWrites(directory, inOrder(writes.filter(isNew), resources, request.present), steps);
}

/** The directories from the mount down to the one above the container's. */
function between(mount: string, directory: string): string[] {
  const found = [mount];
  for (let at = directory.indexOf("/", mount.length + 1); at >= 0; ) {
    found.push(directory.slice(0, at));
    at = directory.indexOf("/", at + 1);
  }
  return found;
}

/** First: what it writes to the files too is then written as the kernel takes it. */
function planScope({ scope, resources, rootless }: UpdateRequest, limits: Limits): Step[] {
  const rules = rootless ? undefined : newRules(resources);
  const change = scope?.(limits.all(), rules) ?? null;
  return change === null ? [] : [byParent(change, "linux.resources")];
}

/** Undefined when there are no new ones. */
function newRules({ devices = [] }: LinuxResources): readonly DeviceRule[] | undefined {
  return devices.length === 0 ? undefined : (deviceRules(devices) ?? [everything]);
}

const everything: DeviceRule = {
  allow: true,
  type: null,
  major: null,
  minor: null,
  access: ALL_ACCESS,
};

/** New device rules take the place of all that were there. */
function planDevices(
  { resources, directories, rootless }: UpdateRequest,
  layout: CgroupLayout,
  limits: Limits,
  steps: Step[],
): void {
  const rules = newRules(resources);
  if (rules === undefined) return;
  if (rootless) {
    limits.warnings.push(`${DEVICES}: not in force: only root may set them`);
    return;
  }
  const v1 = layout.v1.find(({ controllers }) => controllers.includes("devices"));
  const mount = v1?.mount ?? layout.v2?.mount;
  const directory = mount === undefined ? undefined : below(mount, directories);
  if (directory === undefined) {
    refuseUnjoined([{ file: "", text: "", why: DEVICES }], ["devices"], limits);
  } else if (v1 === undefined) {
    planProgram(directory, rules, steps);
  } else {
    planList(directory, rules, limits, steps);
  }
}

function planProgram(directory: string, rules: readonly DeviceRule[], steps: Step[]): void {
  const at = onHost(directory);
  const program = compileDeviceRules(rules);
  steps.push(
    byParent({ op: "open", at, flags: ["path", "directory"], into: DIRECTORY }, DEVICES),
    byParent({ op: "device_filter", cgroup: DIRECTORY, program }, DEVICES),
  );
}

/** The list's state is set first: it empties the list. */
function planList(
  directory: string,
  rules: readonly DeviceRule[],
  limits: Limits,
  steps: Step[],
): void {
  const list = listDeviceRules(rules);
  if ("path" in list) {
    limits.refuse(list.path, list.expected, list.received);
    return;
  }
  const allowsAll = list[0]?.file !== "devices.deny" || list[0].text !== "a";
  const state = { file: "devices.allow", text: "a", why: DEVICES };
  addWrites(directory, allowsAll ? [state, ...list] : list, steps);
}
