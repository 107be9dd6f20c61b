// Limits of memory (config-linux.md, Memory; cgroup-v1/memory.rst; cgroup-v2.rst, Memory).

import type { LinuxMemory } from "../spec/mod.ts";
import { type Limits, onlyInV1 } from "./limits.ts";

const WHY = "linux.resources.memory";

/** Zero stands for a value that was never set, as it does in runc: no process runs in 0 bytes. */
const isSet = (value: bigint | undefined): value is bigint => value !== undefined && value !== 0n;

/** -1 is how the configuration says "no limit"; version 1 takes it as it is. */
const orMax = (value: bigint): string => (value < 0n ? "max" : String(value));

/** Adds the limits of memory and swap. */
export function addMemory(memory: LinuxMemory, limits: Limits): void {
  const { limit, swap } = memory;
  if (isSet(limit) && limit > 0n && isSet(swap) && swap > 0n && swap < limit) {
    limits.refuse(
      `${WHY}.swap`,
      `at least the memory limit of ${limit} bytes, which it includes`,
      `${swap} bytes`,
    );
    return;
  }
  addLimit(memory, limits);
  addSwap(memory, limits);
  addReservation(memory, limits);
  addKernelMemory(memory, limits);
  addReclaim(memory, limits);
}

function addLimit({ limit }: LinuxMemory, limits: Limits): void {
  if (!isSet(limit)) return;
  const why = `${WHY}.limit`;
  const version = limits.version("memory", why, limit < 0n);
  if (version === 1) limits.write("memory.limit_in_bytes", limit, why);
  if (version === 2) limits.write("memory.max", orMax(limit), why);
}

/**
 * Memory and swap together in the configuration and in version 1, swap alone in version 2.
 *
 * Written after the limit: version 1 keeps memsw at or above it at any time, and a new cgroup begins
 * with both unlimited.
 */
function addSwap({ limit, swap }: LinuxMemory, limits: Limits): void {
  if (!isSet(swap)) return;
  const why = `${WHY}.swap`;
  const version = limits.version("memory", why, swap < 0n);
  if (version === 1) limits.write("memory.memsw.limit_in_bytes", swap, why);
  if (version !== 2) return;
  if (swap < 0n || (isSet(limit) && limit < 0n)) {
    limits.write("memory.swap.max", orMax(swap), why);
  } else if (!isSet(limit)) {
    limits.refuse(
      why,
      "a memory limit too, since this one is memory and swap together and version 2 counts swap alone",
      `${swap} bytes without ${WHY}.limit`,
    );
  } else {
    limits.write("memory.swap.max", swap - limit, why);
  }
}

function addReservation({ reservation }: LinuxMemory, limits: Limits): void {
  if (!isSet(reservation)) return;
  const why = `${WHY}.reservation`;
  const version = limits.version("memory", why, reservation < 0n);
  if (version === 1) limits.write("memory.soft_limit_in_bytes", reservation, why);
  if (version === 2) limits.write("memory.low", orMax(reservation), why);
}

function addKernelMemory({ kernel, kernelTCP }: LinuxMemory, limits: Limits): void {
  if (isSet(kernel) && kernel > 0n) {
    // Version 2 never had it, and version 1 has let go of it (Linux 5.16).
    limits.warnings.push(
      `${WHY}.kernel: not in force: the kernel counts its own memory against ${WHY}.limit`,
    );
  }
  if (!isSet(kernelTCP)) return;
  const why = `${WHY}.kernelTCP`;
  const version = limits.version("memory", why, kernelTCP < 0n);
  if (version === 1) limits.write("memory.kmem.tcp.limit_in_bytes", kernelTCP, why);
  if (version === 2 && kernelTCP > 0n) {
    limits.warnings.push(
      `${why}: not in force: cgroups of version 2 count TCP buffers against ${WHY}.limit`,
    );
  }
}

/** How memory is taken back. What is the default anyway asks for no controller. */
function addReclaim(memory: LinuxMemory, limits: Limits): void {
  const { swappiness, disableOOMKiller, useHierarchy } = memory;
  if (swappiness !== undefined) {
    const why = `${WHY}.swappiness`;
    const version = limits.version("memory", why);
    if (version === 1) limits.write("memory.swappiness", swappiness, why);
    if (version === 2) limits.refuse(why, ...onlyInV1("a swappiness of their own"));
  }
  if (disableOOMKiller === true) {
    const why = `${WHY}.disableOOMKiller`;
    const version = limits.version("memory", why);
    if (version === 1) limits.write("memory.oom_control", 1, why);
    if (version === 2) limits.refuse(why, ...onlyInV1("a switch for the OOM killer"));
  }
  if (useHierarchy !== undefined) addHierarchy(useHierarchy, limits);
}

/** Accounting by hierarchy: a choice in version 1 until Linux 5.11, and the only way elsewhere. */
function addHierarchy(useHierarchy: boolean, limits: Limits): void {
  const why = `${WHY}.useHierarchy`;
  const version = limits.version("memory", why, useHierarchy);
  if (version === undefined) return;
  if (version === 1 && !limits.isSince([5, 11])) {
    limits.write("memory.use_hierarchy", useHierarchy ? 1 : 0, why);
  } else if (!useHierarchy) {
    limits.refuse(why, "true, which is all that this kernel knows", "false: leave this out");
  }
}
