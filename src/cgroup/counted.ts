// Limits of what is counted in pieces: tasks, huge pages, RDMA objects; and the marks of packets.

import type { LinuxHugepageLimit, LinuxNetwork, LinuxPids, LinuxRdma } from "../spec/mod.ts";
import type { Limits } from "./limits.ts";

/**
 * Adds the limit of tasks (config-linux.md 1.3, PIDs): -1 is none, absent is "leave it alone".
 *
 * Zero is a limit like another and becomes 1: the container's first process is there in either case,
 * and in either case cannot fork; but with 0 in force it could not be cloned into the cgroup.
 */
export function addPids({ limit }: LinuxPids, limits: Limits): void {
  if (limit === undefined) return;
  const why = "linux.resources.pids.limit";
  if (limits.version("pids", why, limit < 0n) === undefined) return;
  limits.write("pids.max", limit < 0n ? "max" : limit === 0n ? 1 : limit, why);
}

/** Adds the limits of huge pages: on reservation where the kernel can, and on use. */
export function addHugepages(pages: readonly LinuxHugepageLimit[], limits: Limits): void {
  pages.forEach(({ pageSize, limit }, i) => {
    const why = `linux.resources.hugepageLimits[${i}]`;
    const version = limits.version("hugetlb", why);
    if (version === undefined) return;
    const file = version === 1 ? "limit_in_bytes" : "max";
    limits.write(`hugetlb.${pageSize}.${file}`, limit, why);
    if (limits.isSince([5, 7])) limits.write(`hugetlb.${pageSize}.rsvd.${file}`, limit, why);
  });
}

/** Adds the class and the priorities of network packets, which version 2 leaves to eBPF. */
export function addNetwork({ classID, priorities = [] }: LinuxNetwork, limits: Limits): void {
  if (classID !== undefined && classID !== 0) {
    const why = "linux.resources.network.classID";
    if (limits.version("net_cls", why) === 1) limits.write("net_cls.classid", classID, why);
  }
  priorities.forEach(({ name, priority }, i) => {
    const why = `linux.resources.network.priorities[${i}]`;
    if (limits.version("net_prio", why) === undefined) return;
    limits.write("net_prio.ifpriomap", `${name} ${priority}`, why);
  });
}

/** Adds the limits of RDMA devices. */
export function addRdma(rdma: Readonly<Record<string, LinuxRdma>>, limits: Limits): void {
  for (const [device, { hcaHandles, hcaObjects }] of Object.entries(rdma)) {
    const why = `linux.resources.rdma[${JSON.stringify(device)}]`;
    if (limits.version("rdma", why) === undefined) continue;
    const words = [device];
    if (hcaHandles !== undefined) words.push(`hca_handle=${hcaHandles}`);
    if (hcaObjects !== undefined) words.push(`hca_object=${hcaObjects}`);
    limits.write("rdma.max", words.join(" "), why);
  }
}
