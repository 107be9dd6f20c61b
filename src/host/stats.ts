// How much a container uses, read from its cgroups: for `stats`, and `events` of the OCI runtime.

import type { CgroupLayout } from "../planner/facts.ts";
import { CgroupFiles, type Files, hostFiles } from "./cgroup-files.ts";
import type { Stats } from "./stats-types.ts";
import {
  blkioStatsV1,
  cpuStatsV1,
  cpusetStats,
  hugetlbStatsV1,
  memoryStatsV1,
  pidsStats,
} from "./stats-v1.ts";
import { blkioStatsV2, cpuStatsV2, hugetlbStatsV2, memoryStatsV2 } from "./stats-v2.ts";

/**
 * Reads the use of a container's cgroups. Each controller is read where it lives, so that hybrid
 * cgroups are no case of their own; a controller that the container has not joined counts nothing.
 *
 * @param directories the cgroups that were made for the container, as directories of the host
 */
export function readStats(
  directories: readonly string[],
  { v1, v2 }: CgroupLayout,
  files: Files = hostFiles,
): Stats {
  const below = (mount: string | undefined): CgroupFiles => {
    const own = directories.find((path) => mount !== undefined && path.startsWith(`${mount}/`));
    return new CgroupFiles(own, files);
  };
  const mountOf = (controller: string): string | undefined =>
    v1.find(({ controllers }) => controllers.includes(controller))?.mount;
  const inV1 = (controller: string): CgroupFiles => below(mountOf(controller));
  const unified = below(v2?.mount);
  const has = (controller: string): boolean => mountOf(controller) !== undefined;
  const hasCpu = has("cpu") || has("cpuacct");
  return {
    cpu: hasCpu ? cpuStatsV1(inV1("cpu"), inV1("cpuacct")) : cpuStatsV2(unified),
    cpuset: cpusetStats(inV1("cpuset")),
    memory: has("memory") ? memoryStatsV1(inV1("memory")) : memoryStatsV2(unified),
    pids: pidsStats(has("pids") ? inV1("pids") : unified),
    blkio: has("blkio") ? blkioStatsV1(inV1("blkio")) : blkioStatsV2(unified),
    hugetlb: has("hugetlb") ? hugetlbStatsV1(inV1("hugetlb")) : hugetlbStatsV2(unified),
    intel_rdt: {},
    network_interfaces: null,
  };
}
