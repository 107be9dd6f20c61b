// The statistics of version 1's controllers (Documentation/admin-guide/cgroup-v1).

import { type CgroupFiles, NO_LIMIT, toNumber } from "./cgroup-files.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  HugetlbStats,
  MemoryEntry,
  MemoryStats,
  Stats,
} from "./stats-types.ts";
import { withoutEmpty } from "./stats-types.ts";

/** cpuacct.stat counts in USER_HZ, which is 100 on every Linux. */
const NANOSECONDS_PER_TICK = 10_000_000n;

/** The two controllers often share a hierarchy, and need not. */
export function cpuStatsV1(cpu: CgroupFiles, cpuacct: CgroupFiles): CpuStats {
  const ticks = cpuacct.table("cpuacct.stat");
  const { nr_periods, nr_throttled, throttled_time } = cpu.table("cpu.stat");
  // A line of titles, then one for each CPU: its number, user and system time.
  const perCpu = cpuacct.lines("cpuacct.usage_all").slice(1);
  return {
    usage: {
      ...withoutEmpty({
        total: cpuacct.number("cpuacct.usage"),
        percpu: (cpuacct.lines("cpuacct.usage_percpu")[0] ?? []).map(toNumber),
        percpu_kernel: perCpu.map(([, , system = ""]) => toNumber(system)),
        percpu_user: perCpu.map(([, user = ""]) => toNumber(user)),
      }),
      kernel: (ticks["system"] ?? 0n) * NANOSECONDS_PER_TICK,
      user: (ticks["user"] ?? 0n) * NANOSECONDS_PER_TICK,
    },
    throttling: withoutEmpty({
      periods: nr_periods ?? 0n,
      throttledPeriods: nr_throttled ?? 0n,
      throttledTime: throttled_time ?? 0n,
    }),
  };
}

function memoryEntry(memory: CgroupFiles, kind: string): MemoryEntry {
  const { usage, max } = {
    usage: memory.number(`memory${kind}.usage_in_bytes`),
    max: memory.number(`memory${kind}.max_usage_in_bytes`),
  };
  return {
    limit: memory.number(`memory${kind}.limit_in_bytes`),
    ...withoutEmpty({ usage, max }),
    failcnt: memory.number(`memory${kind}.failcnt`),
  };
}

export function memoryStatsV1(memory: CgroupFiles): MemoryStats {
  const raw = memory.table("memory.stat");
  return {
    ...withoutEmpty({ cache: raw["cache"] ?? 0n }),
    usage: memoryEntry(memory, ""),
    swap: memoryEntry(memory, ".memsw"),
    kernel: memoryEntry(memory, ".kmem"),
    kernelTCP: memoryEntry(memory, ".kmem.tcp"),
    ...(Object.keys(raw).length > 0 && { raw }),
  };
}

/** The same files in either version. */
export function pidsStats(pids: CgroupFiles): Stats["pids"] {
  const limit = pids.number("pids.max");
  return withoutEmpty({
    current: pids.number("pids.current"),
    limit: limit === NO_LIMIT ? 0n : limit,
  });
}

/** CPUs such as `0-2,7` as a list. */
function listOf(text: string | undefined): number[] {
  return (text ?? "")
    .trim()
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first = 0, last = first] = part.split("-").map(Number);
      return Array.from({ length: last - first + 1 }, (_, i) => first + i);
    });
}

const cpusetNumbers = [
  "cpu_exclusive",
  "mem_hardwall",
  "mem_exclusive",
  "memory_migrate",
  "memory_spread_page",
  "memory_spread_slab",
  "memory_pressure",
  "sched_load_balance",
  "sched_relax_domain_level",
] as const;

/** Version 2 has none of the numbers: there, and without a cpuset, all are 0. */
export const cpusetStats = (cpuset: CgroupFiles): Stats["cpuset"] => ({
  ...withoutEmpty({
    cpus: listOf(cpuset.text("cpuset.cpus")),
    mems: listOf(cpuset.text("cpuset.mems")),
  }),
  ...Object.fromEntries(cpusetNumbers.map((name) => [name, cpuset.number(`cpuset.${name}`)])),
});

/** Lines `MAJOR:MINOR OPERATION NUMBER` or `MAJOR:MINOR NUMBER`, and a total, which is left out. */
function blkioTable(blkio: CgroupFiles, file: string): BlkioEntry[] {
  return blkio.lines(file).flatMap(([device = "", ...rest]) => {
    const [major, minor] = device.split(":");
    if (major === undefined || minor === undefined) return [];
    const [op, value] = rest.length > 1 ? rest : ["", ...rest];
    return [
      withoutEmpty({
        major: toNumber(major),
        minor: toNumber(minor),
        op: op ?? "",
        value: toNumber(value ?? ""),
      }),
    ];
  });
}

/** Who counts: the scheduler BFQ, before Linux 5.0 CFQ, and for all schedulers the throttle. */
const counted = ["blkio.bfq", "blkio"];
const throttled = ["blkio.throttle"];

export function blkioStatsV1(blkio: CgroupFiles): BlkioStats {
  const first = (files: readonly string[]): BlkioEntry[] => {
    for (const file of files) {
      const entries = blkioTable(blkio, file);
      if (entries.length > 0) return entries;
    }
    return [];
  };
  const of = (name: string, by: readonly string[]) =>
    first(by.map((counter) => `${counter}.${name}_recursive`));
  const all = [...counted, ...throttled];
  const orOwn = (name: string) => {
    const entries = of(name, all);
    return entries.length > 0 ? entries : first([`blkio.throttle.${name}`]);
  };
  return withoutEmpty({
    ioServiceBytesRecursive: orOwn("io_service_bytes"),
    ioServicedRecursive: orOwn("io_serviced"),
    ioQueueRecursive: of("io_queued", counted),
    ioServiceTimeRecursive: of("io_service_time", counted),
    ioWaitTimeRecursive: of("io_wait_time", counted),
    ioMergedRecursive: of("io_merged", counted),
    ioTimeRecursive: of("time", counted),
    sectorsRecursive: of("sectors", counted),
  });
}

export const hugetlbStatsV1 = (hugetlb: CgroupFiles): Record<string, HugetlbStats> =>
  Object.fromEntries(
    hugetlb.between("hugetlb.", ".usage_in_bytes").map((size) => [
      size,
      {
        ...withoutEmpty({
          usage: hugetlb.number(`hugetlb.${size}.usage_in_bytes`),
          max: hugetlb.number(`hugetlb.${size}.max_usage_in_bytes`),
        }),
        failcnt: hugetlb.number(`hugetlb.${size}.failcnt`),
      },
    ]),
  );
