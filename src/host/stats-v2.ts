// The statistics of version 2's controllers (Documentation/admin-guide/cgroup-v2.rst).

import { type CgroupFiles, NO_LIMIT, toNumber } from "./cgroup-files.ts";
import type {
  BlkioEntry,
  BlkioStats,
  CpuStats,
  HugetlbStats,
  MemoryEntry,
  MemoryStats,
  Pressure,
  PressureLine,
} from "./stats-types.ts";
import { withoutEmpty } from "./stats-types.ts";

const MICROSECOND = 1000n;

function pressureLine(words: readonly string[] = []): PressureLine {
  const value = (name: string): string =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? "0";
  return {
    avg10: Number(value("avg10")),
    avg60: Number(value("avg60")),
    avg300: Number(value("avg300")),
    total: toNumber(value("total")),
  };
}

/** Nothing where the kernel was built or started without pressure stall information. */
function pressure(files: CgroupFiles, name: string): { readonly psi?: Pressure } {
  const lines = files.lines(name);
  if (lines.length === 0) return {};
  const line = (kind: string) => pressureLine(lines.find(([first]) => first === kind));
  return { psi: { some: line("some"), full: line("full") } };
}

export function cpuStatsV2(cpu: CgroupFiles): CpuStats {
  const stat = cpu.table("cpu.stat");
  const nanoseconds = (name: string): bigint => (stat[name] ?? 0n) * MICROSECOND;
  return {
    usage: {
      ...withoutEmpty({ total: nanoseconds("usage_usec") }),
      kernel: nanoseconds("system_usec"),
      user: nanoseconds("user_usec"),
    },
    throttling: withoutEmpty({
      periods: stat["nr_periods"] ?? 0n,
      throttledPeriods: stat["nr_throttled"] ?? 0n,
      throttledTime: nanoseconds("throttled_usec"),
    }),
    ...pressure(cpu, "cpu.pressure"),
  };
}

const nothing: MemoryEntry = { limit: 0n, failcnt: 0n };

export function memoryStatsV2(memory: CgroupFiles): MemoryStats {
  const raw = memory.table("memory.stat");
  const limit = memory.number("memory.max");
  const usage = memory.number("memory.current");
  const swapLimit = memory.number("memory.swap.max");
  const sum = swapLimit === NO_LIMIT || limit === NO_LIMIT ? NO_LIMIT : limit + swapLimit;
  return {
    ...withoutEmpty({ cache: raw["file"] ?? 0n }),
    usage: { limit, ...withoutEmpty({ usage, max: memory.number("memory.peak") }), failcnt: 0n },
    swap: memory.has("memory.swap.current")
      ? {
          limit: sum,
          ...withoutEmpty({ usage: usage + memory.number("memory.swap.current") }),
          failcnt: 0n,
        }
      : nothing,
    kernel: nothing,
    kernelTCP: nothing,
    ...(Object.keys(raw).length > 0 && { raw }),
    ...pressure(memory, "memory.pressure"),
  };
}

/** The words of `io.stat`, as version 1 calls the same. */
const operations = [
  ["rbytes", "bytes", "Read"],
  ["wbytes", "bytes", "Write"],
  ["rios", "count", "Read"],
  ["wios", "count", "Write"],
] as const;

export function blkioStatsV2(io: CgroupFiles): BlkioStats {
  const tables: Record<"bytes" | "count", BlkioEntry[]> = { bytes: [], count: [] };
  for (const [device = "", ...words] of io.lines("io.stat")) {
    const [major = "", minor = ""] = device.split(":");
    for (const [word, table, op] of operations) {
      const found = words.find((each) => each.startsWith(`${word}=`));
      if (found === undefined) continue;
      const value = toNumber(found.slice(word.length + 1));
      const entry = { major: toNumber(major), minor: toNumber(minor), op, value };
      tables[table].push(withoutEmpty(entry));
    }
  }
  return {
    ...withoutEmpty({
      ioServiceBytesRecursive: tables.bytes,
      ioServicedRecursive: tables.count,
    }),
    ...pressure(io, "io.pressure"),
  };
}

export const hugetlbStatsV2 = (hugetlb: CgroupFiles): Record<string, HugetlbStats> =>
  Object.fromEntries(
    hugetlb.between("hugetlb.", ".current").map((size) => [
      size,
      {
        ...withoutEmpty({ usage: hugetlb.number(`hugetlb.${size}.current`) }),
        failcnt: hugetlb.table(`hugetlb.${size}.events`)["max"] ?? 0n,
      },
    ]),
  );
