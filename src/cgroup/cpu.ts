// Limits of CPU time, and the CPUs and memory nodes themselves (config-linux.md, CPU).

import type { LinuxCPU } from "../spec/mod.ts";
import { type Limits, onlyInV1 } from "./limits.ts";

const WHY = "linux.resources.cpu";

/** The range of cpu.shares (kernel/sched/sched.h): what lies outside is moved to the edge. */
const LEAST_SHARES = 2n;
const MOST_SHARES = 262144n;

/** Microseconds: the default of both versions. */
const DEFAULT_PERIOD = 100000n;

const isSet = (value: bigint | undefined): value is bigint => value !== undefined && value !== 0n;

/** Adds the limits of CPU time, and version 2's part of the CPUs and memory nodes. */
export function addCpu(cpu: LinuxCPU, limits: Limits): void {
  addShares(cpu, limits);
  addBandwidth(cpu, limits);
  addRealtime(cpu, limits);
  addIdle(cpu, limits);
  addCpuset(cpu, limits);
}

/**
 * The cpu.weight of version 2 for cpu.shares of version 1: 2 becomes 1, 1024 becomes 100 (the
 * defaults), 262144 becomes 10000. A parabola through these three, both axes logarithmic; since 2025
 * it is also runc's (1.3.2) and crun's (1.23).
 */
export function weightOfShares(shares: bigint): number {
  if (shares <= LEAST_SHARES) return 1;
  if (shares >= MOST_SHARES) return 10000;
  const log = Math.log2(Number(shares));
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

function addShares({ shares }: LinuxCPU, limits: Limits): void {
  if (!isSet(shares)) return;
  const why = `${WHY}.shares`;
  const version = limits.version("cpu", why);
  if (version === 1) limits.write("cpu.shares", shares, why);
  if (version === 2) limits.write("cpu.weight", weightOfShares(shares), why);
  if (shares < LEAST_SHARES || shares > MOST_SHARES) {
    const edge = shares < LEAST_SHARES ? LEAST_SHARES : MOST_SHARES;
    limits.warnings.push(`${why}: ${shares} counts as ${edge}, the edge of what the kernel takes`);
  }
}

/** Period before quota before burst: each must fit what is in force when it is written. */
function addBandwidth({ quota, period, burst }: LinuxCPU, limits: Limits): void {
  if (isSet(quota) || isSet(period)) {
    const why = isSet(quota) ? `${WHY}.quota` : `${WHY}.period`;
    // A period says something only together with a quota.
    const lifts = !isSet(quota) || quota < 0n;
    const version = limits.version("cpu", why, lifts);
    if (version === 1) {
      if (isSet(period)) limits.write("cpu.cfs_period_us", period, `${WHY}.period`);
      if (isSet(quota)) limits.write("cpu.cfs_quota_us", quota < 0n ? -1 : quota, why);
    }
    if (version === 2) {
      const most = isSet(quota) && quota > 0n ? quota : "max";
      limits.write("cpu.max", `${most} ${isSet(period) ? period : DEFAULT_PERIOD}`, why);
    }
  }
  if (!isSet(burst)) return;
  const why = `${WHY}.burst`;
  const version = limits.version("cpu", why);
  const file = version === 2 ? "cpu.max.burst" : "cpu.cfs_burst_us";
  if (version === undefined || !limits.since([5, 14], file, why)) return;
  limits.write(file, burst, why);
}

function addRealtime(cpu: LinuxCPU, limits: Limits): void {
  // The period first: a new cgroup has a runtime of 0, which fits any period.
  for (const [field, file] of [
    ["realtimePeriod", "cpu.rt_period_us"],
    ["realtimeRuntime", "cpu.rt_runtime_us"],
  ] as const) {
    const value = cpu[field];
    if (!isSet(value)) continue;
    const why = `${WHY}.${field}`;
    const version = limits.version("cpu", why);
    if (version === 1) limits.write(file, value, why);
    if (version === 2) limits.refuse(why, ...onlyInV1("real-time scheduling by cgroup"));
  }
}

/** After the weight, which cannot be changed any more once the cgroup is idle. */
function addIdle({ idle }: LinuxCPU, limits: Limits): void {
  if (idle === undefined || idle === 0) return;
  const why = `${WHY}.idle`;
  if (limits.version("cpu", why) === undefined) return;
  if (limits.since([5, 15], "cpu.idle", why)) limits.write("cpu.idle", idle, why);
}

/**
 * In version 1 both files of a new cpuset are empty, and nothing can join before both are filled: the
 * plan of the hierarchy does that, since it knows the cpusets above.
 */
function addCpuset(cpu: LinuxCPU, limits: Limits): void {
  for (const field of ["cpus", "mems"] as const) {
    const value = cpu[field];
    if (value === undefined || value === "") continue;
    const why = `${WHY}.${field}`;
    if (limits.version("cpuset", why) !== undefined) limits.write(`cpuset.${field}`, value, why);
  }
}
