/** What a container uses, in the numbers that `stats` shows: two looks, and the time between them. */

import { readFileSync } from "node:fs";
import { readIfThere } from "../host/first-process.ts";
import { containerProcesses } from "../host/process-table.ts";
import { readStats } from "../host/stats.ts";
import type { BlkioEntry, Stats } from "../host/stats-types.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import type { Container } from "./status.ts";

/** One look at a container. */
export type Sample = {
  /** Milliseconds, of a clock that only goes forward. */
  readonly at: number;
  /** Whether anybody counts: without a cgroup of its own only its traffic and its processes are known. */
  readonly counted: boolean;
  /** Nanoseconds of CPU time. */
  readonly cpu: number;
  /** Bytes without what could be given back at once. */
  readonly memory: number;
  readonly memoryLimit: number;
  readonly received: number;
  readonly sent: number;
  readonly read: number;
  readonly written: number;
  readonly processes: number;
};

const numberOf = (value: bigint | undefined): number => Number(value ?? 0n);

/** As docker's: pages of files that nobody has used lately do not count. */
function usedMemory({ usage, raw }: Stats["memory"]): number {
  const used = numberOf(usage.usage);
  const inactive = numberOf(raw?.["total_inactive_file"] ?? raw?.["inactive_file"]);
  return inactive < used ? used - inactive : used;
}

/** Bytes of the machine. */
const machineMemory = (): number =>
  Number(/^MemTotal:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;

const sumOf = (entries: readonly BlkioEntry[] | undefined, op: string): number =>
  (entries ?? [])
    .filter((entry) => entry.op?.toLowerCase() === op)
    .reduce((sum, { value }) => sum + numberOf(value), 0);

/** Bytes of all interfaces but loopback, from a process's network namespace. */
export function readTraffic(text: string): { readonly received: number; readonly sent: number } {
  let received = 0;
  let sent = 0;
  for (const line of text.split("\n")) {
    const match = /^\s*([^:\s]+):\s*(.*)$/.exec(line);
    if (match?.[1] === undefined || match[1] === "lo") continue;
    const fields = (match[2] ?? "").trim().split(/\s+/).map(Number);
    received += fields[0] ?? 0;
    sent += fields[8] ?? 0;
  }
  return { received, sent };
}

/** What a namespace that is the host's, or another container's, carries is not this one's. */
function trafficOf({ record, process }: Container) {
  const isOwn = !/^(?:host$|container:|\/)/.test(record.networkMode);
  const text = isOwn && process !== null ? readIfThere(`/proc/${process.pid}/net/dev`) : null;
  return readTraffic(text ?? "");
}

/** Null when the container does not run. */
export function takeSample(container: Container, layout: CgroupLayout): Sample | null {
  const { process, record } = container;
  if (process === null) return null;
  const { cpu, memory, pids, blkio } = readStats(record.cgroups, layout);
  const bytes = blkio.ioServiceBytesRecursive;
  return {
    at: performance.now(),
    counted: record.cgroups.length > 0,
    cpu: numberOf(cpu.usage.total),
    memory: usedMemory(memory),
    memoryLimit: Math.min(numberOf(memory.usage.limit) || Infinity, machineMemory()),
    ...trafficOf(container),
    read: sumOf(bytes, "read"),
    written: sumOf(bytes, "write"),
    // Without a controller that counts them they are counted here.
    processes: numberOf(pids.current) || containerProcesses(record.cgroups, process).length,
  };
}

/** Percent of one CPU between two looks. */
export function cpuPercent(before: Sample | null, now: Sample | null): number {
  if (before === null || now === null) return 0;
  const elapsed = (now.at - before.at) * 1e6;
  return elapsed <= 0 ? 0 : Math.max(0, ((now.cpu - before.cpu) / elapsed) * 100);
}
