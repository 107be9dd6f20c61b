// Reads from this machine what the planning of cgroups has to know.

import { existsSync, readFileSync } from "node:fs";
import {
  type CgroupRequest,
  type IoWeightFile,
  locateV1,
  locateV2,
  parseCgroupLayout,
} from "../cgroup/mod.ts";
import type { CgroupLayout } from "../planner/facts.ts";

/** A small file; undefined when it is not there or cannot be read. */
export function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}

/**
 * How cgroups are laid out here. Every start asks for it, so it reads two files, and two more where
 * there is a version 2 hierarchy that has controllers. Where /proc cannot be read: no cgroups.
 */
export const readCgroupLayout = (): CgroupLayout =>
  parseCgroupLayout(read("/proc/self/mountinfo") ?? "", read("/proc/self/cgroup") ?? "", read);

/** What else `planCgroup` needs for some limits; nothing is read for the others. */
export function readCgroupFacts(
  { name, resources, joinAll = false }: Pick<CgroupRequest, "name" | "resources" | "joinAll">,
  layout: CgroupLayout,
): Pick<CgroupRequest, "cpusetParent" | "ioWeight"> {
  const { cpus = "", mems = "" } = resources?.cpu ?? {};
  const { weight, weightDevice = [] } = resources?.blockIO ?? {};
  return {
    cpusetParent: readCpusetParent(name, layout, joinAll || cpus !== "" || mems !== ""),
    ioWeight:
      weight === undefined && weightDevice.length === 0 ? undefined : findIoWeight(name, layout),
  };
}

function readCpusetParent(
  name: string,
  layout: CgroupLayout,
  isAsked: boolean,
): CgroupRequest["cpusetParent"] {
  const hierarchy = layout.v1.find(({ controllers }) => controllers.includes("cpuset"));
  // Together with another controller the cpuset is joined, and so filled, whether asked for or not.
  if (hierarchy === undefined || (!isAsked && hierarchy.controllers.length === 1)) return undefined;
  const { base, between } = locateV1(hierarchy, name);
  for (const directory of [...between.toReversed(), base]) {
    const cpus = read(`${directory}/cpuset.cpus`)?.trim();
    const mems = read(`${directory}/cpuset.mems`)?.trim();
    if (cpus !== undefined && mems !== undefined) return { directory, cpus, mems };
  }
  return undefined;
}

/**
 * Which file will weigh block input and output. It is not there in the root cgroup, so cgroups on the
 * way are looked at; where none has it, the scheduler BFQ's module tells.
 */
function findIoWeight(name: string, { v2 }: CgroupLayout): IoWeightFile | undefined {
  if (v2 === null) return undefined;
  const { base, between } = locateV2(v2, name);
  const own = v2.own === "/" ? v2.mount : v2.mount + v2.own;
  for (const directory of [...between.toReversed(), base, own]) {
    if (existsSync(`${directory}/io.bfq.weight`)) return "io.bfq.weight";
    if (existsSync(`${directory}/io.weight`)) return "io.weight";
  }
  return existsSync("/sys/module/bfq") ? "io.bfq.weight" : "io.weight";
}
