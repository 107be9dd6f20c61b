// What limits are in force, and what they mean for new ones: some new values have to be told by the
// old, some are refused by the kernel beside them, and some go through in one order only.

import type { LinuxCPU, LinuxMemory, LinuxResources } from "../spec/mod.ts";
import type { FileWrite, Limits } from "./limits.ts";

/** Limits in force in a container's cgroup; null is none, and absent what no file tells of. */
export type PresentLimits = {
  /** Bytes, as are those of memory and swap together, and the use of memory. */
  readonly memory?: bigint | null | undefined;
  readonly swap?: bigint | null | undefined;
  readonly usage?: bigint | undefined;
  /** Microseconds, as all that follow. */
  readonly quota?: bigint | null | undefined;
  readonly period?: bigint | undefined;
  readonly burst?: bigint | undefined;
  readonly realtimePeriod?: bigint | undefined;
  /** 1: the cgroup is SCHED_IDLE. */
  readonly idle?: bigint | undefined;
  /** `cgroup.controllers` of the cgroup in version 2: what is on for it. */
  readonly controllers?: readonly string[] | undefined;
};

const MEMORY = "linux.resources.memory";
const CPU = "linux.resources.cpu";

/** Zero stands for a value that was never set. */
const isSet = (value: bigint | undefined): value is bigint => value !== undefined && value !== 0n;

/**
 * The version that keeps a controller. Unlike with the question of `Limits` nothing is refused: that
 * comes when the limit is added.
 */
type Version = 1 | 2 | undefined;

/**
 * New limits of memory with what the present ones add to them. In version 1 the sum of memory and swap
 * stays when the memory changes; it does in version 2 too, where only the difference is kept.
 */
export function completeMemory(
  memory: LinuxMemory,
  present: PresentLimits,
  version: Version,
): LinuxMemory {
  const { limit, swap } = memory;
  if (isSet(limit) && limit < 0n && !isSet(swap) && present.swap !== undefined) {
    // runc's reading: without a limit of memory there is none of swap either.
    return { ...memory, swap: -1n };
  }
  if (version !== 2) return memory;
  const { memory: limitNow, swap: sumNow } = present;
  if (isSet(swap) && swap > 0n && !isSet(limit) && typeof limitNow === "bigint") {
    return { ...memory, limit: limitNow };
  }
  if (isSet(limit) && !isSet(swap) && typeof sumNow === "bigint") {
    return { ...memory, swap: sumNow };
  }
  return memory;
}

/** Version 2 keeps quota and period in one line: what is not new is said again. */
export function completeCpu(cpu: LinuxCPU, present: PresentLimits, version: Version): LinuxCPU {
  if (version !== 2 || (!isSet(cpu.quota) && !isSet(cpu.period))) return cpu;
  const quota = isSet(cpu.quota) ? cpu.quota : (present.quota ?? -1n);
  const period = isSet(cpu.period) ? cpu.period : present.period;
  return { ...cpu, quota, ...(period === undefined ? {} : { period }) };
}

/** What the kernel would answer by EINVAL or EBUSY, which name neither the limit nor the reason. */
export function checkPresent(
  { memory = {}, cpu = {} }: LinuxResources,
  present: PresentLimits,
  limits: Limits,
): void {
  checkMemory(memory, present, limits);
  const { quota, burst, shares, idle } = cpu;
  const quotaNow = isSet(quota) ? quota : (present.quota ?? -1n);
  const burstNow = burst ?? present.burst ?? 0n;
  if (quotaNow > 0n && burstNow > quotaNow && (isSet(quota) || isSet(burst))) {
    const [field, other] = burst === undefined ? ["quota", "burst"] : ["burst", "quota"];
    limits.refuse(
      `${CPU}.${field}`,
      "a burst that is at most the quota",
      `a burst of ${burstNow} and a quota of ${quotaNow} microseconds: change ${CPU}.${other} too`,
    );
  }
  if (isSet(shares) && present.idle === 1n && idle !== 0) {
    limits.refuse(
      `${CPU}.shares`,
      "a cgroup that is not idle, since an idle one has no weight",
      `one with cpu.idle at 1: set ${CPU}.idle to 0 too`,
    );
  }
}

function checkMemory(memory: LinuxMemory, present: PresentLimits, limits: Limits): void {
  const { limit, swap, checkBeforeUpdate } = memory;
  const sum = isSet(swap) ? swap : (present.swap ?? -1n);
  const most = isSet(limit) ? limit : (present.memory ?? -1n);
  const isNew = isSet(limit) || isSet(swap);
  // Without a limit of memory there will be none of swap: see above.
  const liftsBoth = isSet(limit) && limit < 0n && !isSet(swap);
  if (isNew && !liftsBoth && sum > 0n && (most > sum || most < 0n)) {
    const [given, other] = isSet(limit) ? ["limit", "swap"] : ["swap", "limit"];
    limits.refuse(
      `${MEMORY}.${given}`,
      "a memory limit that is at most that of memory and swap together",
      `${most < 0n ? "none" : `${most} bytes`} and ${sum} bytes together: change ${MEMORY}.${other} too`,
    );
  }
  const { usage } = present;
  if (checkBeforeUpdate === true && isSet(limit) && limit > 0n && (usage ?? 0n) > limit) {
    limits.refuse(
      `${MEMORY}.limit`,
      `at least the ${usage} bytes that are in use, since checkBeforeUpdate is true`,
      `${limit} bytes`,
    );
  }
}

/** Files that change only in one order, each with its place in it; the others are at 0. */
type Ranks = Readonly<Record<string, number>>;

/** Version 1 keeps the limit of memory at or below that of memory and swap, at any time. */
function rankMemory({ swap }: LinuxMemory, { memory }: PresentLimits): Ranks {
  const isWithin = isSet(swap) && swap > 0n && (memory === null || (memory ?? 0n) > swap);
  return isWithin ? {} : { "memory.memsw.limit_in_bytes": -1 };
}

/**
 * The quota's share of the period must not exceed that of the cgroup above, not even between two
 * writes: so what lowers the share comes first. A burst must fit the quota.
 */
function rankCpu(cpu: LinuxCPU, present: PresentLimits): Ranks {
  const isShorter = isSet(cpu.period) && cpu.period < (present.period ?? 0n);
  const isShorterRealtime =
    isSet(cpu.realtimePeriod) && cpu.realtimePeriod < (present.realtimePeriod ?? 0n);
  const burst = cpu.burst !== undefined && cpu.burst < (present.burst ?? 0n) ? -1 : 2;
  return {
    "cpu.cfs_period_us": isShorter ? 1 : 0,
    "cpu.rt_period_us": isShorterRealtime ? 1 : 0,
    "cpu.cfs_burst_us": burst,
    "cpu.max.burst": burst,
    // A weight is taken only from a cgroup that is not idle (any more, or yet).
    "cpu.idle": cpu.idle === 0 ? -2 : 3,
  };
}

/** The writes in an order in which each fits what is in force when its turn comes. */
export function inOrder(
  writes: readonly FileWrite[],
  { memory = {}, cpu = {} }: LinuxResources,
  present: PresentLimits,
): FileWrite[] {
  const ranks: Ranks = { ...rankMemory(memory, present), ...rankCpu(cpu, present) };
  return writes.toSorted((a, b) => (ranks[a.file] ?? 0) - (ranks[b.file] ?? 0));
}
