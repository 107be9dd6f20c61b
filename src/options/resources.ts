// The limits of a container's configuration.

import type {
  LinuxBlockIO,
  LinuxCPU,
  LinuxDeviceCgroup,
  LinuxMemory,
  LinuxResources,
  LinuxThrottleDevice,
} from "../spec/mod.ts";
import { type Throttle, weightProblem } from "./block-device.ts";
import { countOrNone, wholeNumber } from "./count.ts";
import { idListProblem } from "./cpu.ts";
import { blockDeviceAt } from "./devices.ts";
import type { ContainerFacts } from "./facts.ts";
import type { Count } from "./mount-option.ts";
import type { RunOptions } from "./options.ts";
import { presentOrNone } from "./present.ts";
import type { Findings } from "./problem.ts";

/**
 * `linux.resources`: only the limits that are asked for, so that a container without any needs no
 * controller.
 */
export function containerResources(
  options: RunOptions,
  devices: readonly LinuxDeviceCgroup[] | undefined,
  facts: ContainerFacts,
  findings: Findings,
): LinuxResources | undefined {
  const pids = countOrNone(options.pidsLimit, "--pids-limit", findings, { min: -1n });
  return presentOrNone<LinuxResources>({
    devices,
    memory: memoryLimits(options, facts, findings),
    cpu: cpuLimits(options, facts, findings),
    // A new cgroup has no limit: to ask for none is to ask for nothing.
    pids: pids === undefined || pids === -1n ? undefined : { limit: pids },
    blockIO: blockLimits(options, facts, findings),
  });
}

/** Docker's, and enough for the start of any container: bytes. */
const LEAST_MEMORY = 6n << 20n;

function memoryAmount(
  given: Count | undefined,
  option: string,
  findings: Findings,
): bigint | undefined {
  const amount = countOrNone(given, option, findings);
  if (amount === undefined || amount >= LEAST_MEMORY) return amount;
  findings.problem(option, String(amount), "a container needs 6m (6291456 bytes) at least");
  return undefined;
}

function memoryLimits(
  options: RunOptions,
  facts: ContainerFacts,
  findings: Findings,
): LinuxMemory | undefined {
  const limit = memoryAmount(options.memory, "-m, --memory", findings);
  const reservation = memoryAmount(options.memoryReservation, "--memory-reservation", findings);
  const swappiness = wholeNumber(options.memorySwappiness, "--memory-swappiness", findings, {
    min: -1n,
    max: 100n,
  });
  if (limit !== undefined && reservation !== undefined && limit < reservation) {
    const reason = `the memory limit can not be less than the reservation, ${reservation}`;
    findings.problem("-m, --memory", String(limit), reason);
  }
  const noKiller = options.oomKillDisable === true;
  if (noKiller && limit === undefined) {
    findings.warning(
      "--oom-kill-disable without --memory: the container can take all memory of the host, and nothing ends it",
    );
  }
  return presentOrNone<LinuxMemory>({
    limit,
    reservation,
    swap: swapLimit(options, limit, facts, findings),
    swappiness: swappiness === undefined || swappiness < 0n ? undefined : Number(swappiness),
    disableOOMKiller: noKiller ? true : undefined,
  });
}

const MAX_INT64 = 2n ** 63n - 1n;

/** Memory and swap together; undefined: as much swap as there is. */
function swapLimit(
  options: RunOptions,
  memory: bigint | undefined,
  facts: ContainerFacts,
  findings: Findings,
): bigint | undefined {
  const option = "--memory-swap";
  const swap = countOrNone(options.memorySwap, option, findings, { min: -1n });
  if (swap === -1n) return undefined;
  if (swap === undefined) {
    const twice = memory === undefined || facts.swapLimit === false ? undefined : memory * 2n;
    return twice !== undefined && twice <= MAX_INT64 ? twice : undefined;
  }
  if (memory === undefined) {
    findings.problem(
      option,
      String(swap),
      "it is memory and swap together, and needs --memory too",
    );
  } else if (swap < memory) {
    const reason = `it is memory and swap together, and so at least the memory limit, ${memory}`;
    findings.problem(option, String(swap), reason);
  }
  return swap;
}

/** Microseconds in which a share of CPU time is counted. */
const PERIOD = 100_000;

function cpuLimits(
  options: RunOptions,
  facts: ContainerFacts,
  findings: Findings,
): LinuxCPU | undefined {
  const period = countOrNone(options.cpuPeriod, "--cpu-period", findings, {
    max: 1_000_000n,
  });
  const quota = countOrNone(options.cpuQuota, "--cpu-quota", findings, { min: -1n });
  if (period !== undefined && period < 1000n) {
    findings.problem("--cpu-period", String(period), "it goes from 1000 (1 ms) to 1000000 (1 s)");
  }
  if (quota !== undefined && quota > 0n && quota < 1000n) {
    findings.problem("--cpu-quota", String(quota), "it is at least 1000 (1 ms)");
  }
  const share = cpuShare(options, facts, findings);
  if (share !== undefined && (period !== undefined || quota !== undefined)) {
    const other = period === undefined ? "--cpu-quota" : "--cpu-period";
    findings.problem("--cpus", null, `conflicting options: --cpus and ${other} both set the quota`);
  }
  for (const [option, list] of [
    ["--cpuset-cpus", options.cpusetCpus],
    ["--cpuset-mems", options.cpusetMems],
  ] as const) {
    const problem = list === undefined || list === "" ? null : idListProblem(list);
    if (problem !== null) findings.problem(option, list ?? "", problem);
  }
  return presentOrNone<LinuxCPU>({
    // What the kernel takes, but for 1, which it raises to 2 (kernel/sched/sched.h, MIN_SHARES).
    shares: countOrNone(options.cpuShares, "-c, --cpu-shares", findings, { max: 262_144n }),
    period: share === undefined ? period : BigInt(PERIOD),
    quota: share ?? quota,
    cpus: options.cpusetCpus === "" ? undefined : options.cpusetCpus,
    mems: options.cpusetMems === "" ? undefined : options.cpusetMems,
  });
}

/** The quota that `cpus` comes to. */
function cpuShare(
  { cpus }: RunOptions,
  facts: ContainerFacts,
  findings: Findings,
): bigint | undefined {
  if (cpus === undefined || cpus === 0) return undefined;
  // The least that the kernel takes is a quota of 1 ms.
  if (!(cpus >= 0.01 && cpus <= 1e6)) {
    findings.problem(
      "--cpus",
      String(cpus),
      "it is a number of CPUs such as 1.5, and at least 0.01",
    );
    return undefined;
  }
  if (facts.cpus !== undefined && cpus > facts.cpus) {
    const reason = `the range of CPUs is from 0.01 to ${facts.cpus}.00, as there are only ${facts.cpus} CPUs available`;
    findings.problem("--cpus", String(cpus), reason);
  }
  // As docker, which counts billionths of a CPU and drops what is left of a microsecond.
  return BigInt(Math.floor((Math.round(cpus * 1e9) * PERIOD) / 1e9));
}

function blockLimits(
  options: RunOptions,
  facts: ContainerFacts,
  findings: Findings,
): LinuxBlockIO | undefined {
  const throttles = (list: readonly Throttle[] | undefined, option: string) => {
    return throttleDevices(list ?? [], option, facts, findings);
  };
  const weight = options.blkioWeight ?? 0;
  const problem = weightProblem(weight);
  if (problem !== null) findings.problem("--blkio-weight", String(weight), problem);
  const devices = (options.blkioWeightDevice ?? []).flatMap((device) => {
    const wrong = weightProblem(device.weight);
    if (wrong !== null) findings.problem("--blkio-weight-device", String(device.weight), wrong);
    const numbers = blockNumbers(device.path, "--blkio-weight-device", facts, findings);
    return numbers === undefined || device.weight === 0
      ? []
      : [{ ...numbers, weight: device.weight }];
  });
  return presentOrNone<LinuxBlockIO>({
    weight: weight === 0 ? undefined : weight,
    weightDevice: devices.length === 0 ? undefined : devices,
    throttleReadBpsDevice: throttles(options.deviceReadBps, "--device-read-bps"),
    throttleWriteBpsDevice: throttles(options.deviceWriteBps, "--device-write-bps"),
    throttleReadIOPSDevice: throttles(options.deviceReadIops, "--device-read-iops"),
    throttleWriteIOPSDevice: throttles(options.deviceWriteIops, "--device-write-iops"),
  });
}

function throttleDevices(
  list: readonly Throttle[],
  option: string,
  facts: ContainerFacts,
  findings: Findings,
): readonly LinuxThrottleDevice[] | undefined {
  const devices = list.flatMap(({ path, rate }) => {
    const numbers = blockNumbers(path, option, facts, findings);
    const whole = wholeNumber(rate, option, findings);
    return numbers === undefined || whole === undefined ? [] : [{ ...numbers, rate: whole }];
  });
  return devices.length === 0 ? undefined : devices;
}

function blockNumbers(
  path: string,
  option: string,
  facts: ContainerFacts,
  findings: Findings,
): { readonly major: number; readonly minor: number } | undefined {
  const device = blockDeviceAt(path, facts);
  if (device === undefined) {
    findings.problem(option, path, "the host has no block device there");
    return undefined;
  }
  return { major: device.major, minor: device.minor };
}
