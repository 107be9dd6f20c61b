// Reads what limits a running container has: for their change, and so apart from what a start reads.

import { existsSync } from "node:fs";
import type { IoWeightFile, PresentLimits } from "../cgroup/mod.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import { read } from "./cgroups.ts";

/** A number of a cgroup's file; null for no limit, undefined when there is no such file. */
function readLimit(file: string): bigint | null | undefined {
  const text = read(file)?.trim();
  if (text === undefined) return undefined;
  if (text === "max" || text.startsWith("-")) return null;
  // Version 1 says "no limit" of bytes by the most that fits, whole pages of it.
  const value = /^\d+$/.test(text) ? BigInt(text) : undefined;
  return value !== undefined && value >= 2n ** 62n ? null : value;
}

const orUndefined = (value: bigint | null | undefined): bigint | undefined => value ?? undefined;

function readPresentV1(own: (controller: string) => string | undefined): PresentLimits {
  const memory = own("memory");
  const cpu = own("cpu");
  const ofMemory = (file: string) =>
    memory === undefined ? undefined : readLimit(`${memory}/memory.${file}`);
  const ofCpu = (file: string) => (cpu === undefined ? undefined : readLimit(`${cpu}/cpu.${file}`));
  return {
    ...(memory !== undefined && {
      memory: ofMemory("limit_in_bytes"),
      swap: ofMemory("memsw.limit_in_bytes"),
      usage: orUndefined(ofMemory("usage_in_bytes")),
    }),
    ...(cpu !== undefined && {
      quota: ofCpu("cfs_quota_us"),
      period: orUndefined(ofCpu("cfs_period_us")),
      burst: orUndefined(ofCpu("cfs_burst_us")),
      realtimePeriod: orUndefined(ofCpu("rt_period_us")),
      idle: orUndefined(ofCpu("idle")),
    }),
  };
}

function readPresentV2(directory: string): PresentLimits {
  const memory = readLimit(`${directory}/memory.max`);
  const swap = readLimit(`${directory}/memory.swap.max`);
  // A line of two: `max 100000`.
  const [quota, period] = (read(`${directory}/cpu.max`) ?? "").trim().split(" ");
  const controllers = (read(`${directory}/cgroup.controllers`) ?? "").split(/\s+/).filter(Boolean);
  const sum = typeof memory === "bigint" && typeof swap === "bigint" ? memory + swap : null;
  return {
    controllers,
    ...(memory !== undefined && {
      memory,
      swap: swap === undefined ? undefined : sum,
      usage: orUndefined(readLimit(`${directory}/memory.current`)),
    }),
    ...(period !== undefined && {
      quota: quota === "max" || quota === undefined ? null : BigInt(quota),
      period: BigInt(period),
      burst: orUndefined(readLimit(`${directory}/cpu.max.burst`)),
      idle: orUndefined(readLimit(`${directory}/cpu.idle`)),
    }),
  };
}

/** What `planUpdate` has to know of a container, whose cgroups are `directories` of the host. */
export function readPresentLimits(
  directories: readonly string[],
  { v1, v2 }: CgroupLayout,
): PresentLimits {
  const below = (mount: string) => directories.find((path) => path.startsWith(`${mount}/`));
  const inV1 = readPresentV1((controller) => {
    const hierarchy = v1.find(({ controllers }) => controllers.includes(controller));
    return hierarchy === undefined ? undefined : below(hierarchy.mount);
  });
  const unified = v2 === null ? undefined : below(v2.mount);
  return unified === undefined ? inV1 : { ...readPresentV2(unified), ...inV1 };
}

/** Which file weighs a container's block input and output in version 2. */
export function findOwnIoWeight(
  directories: readonly string[],
  { v2 }: CgroupLayout,
): IoWeightFile | undefined {
  const own = directories.find((path) => v2 !== null && path.startsWith(`${v2.mount}/`));
  if (own === undefined) return undefined;
  return existsSync(`${own}/io.bfq.weight`) ? "io.bfq.weight" : "io.weight";
}
