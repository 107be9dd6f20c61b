// The paths of /proc and /sys that a container does not see, or cannot change.

import type { RunOptions } from "./options.ts";
import { targetProblem } from "./path.ts";
import type { Findings } from "./problem.ts";

/** What docker 28 hides: memory of the kernel, keys, and what is told by timers and sensors. */
export const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
];

export const READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

export interface SystemPaths {
  readonly masked: readonly string[];
  readonly readonly: readonly string[];
}

/**
 * The paths to hide and the paths to make read-only: for a privileged container none but those that
 * are asked for.
 *
 * @param sensorPaths what this machine has to hide besides
 */
export function systemPaths(
  { privileged, securityOpt: security = {} }: RunOptions,
  sensorPaths: readonly string[],
  findings: Findings,
): SystemPaths {
  const { mask = [], unmask = [] } = security;
  for (const path of mask) {
    const problem = targetProblem(path);
    if (problem !== null) findings.problem("--security-opt mask", path, problem);
  }
  const open = privileged === true || security.systemPaths === "unconfined" || unmask === "ALL";
  const patterns = unmask === "ALL" ? [] : unmask.map(patternOf);
  const guarded = (paths: readonly string[]): readonly string[] =>
    open ? [] : paths.filter((path) => !patterns.some((pattern) => pattern.test(path)));
  return {
    masked: [...new Set([...guarded([...MASKED, ...sensorPaths]), ...mask])],
    readonly: guarded(READONLY),
  };
}

/** A pattern of the shell (glob(7)), as far as `*` and `?` go: neither stands for a slash. */
function patternOf(glob: string): RegExp {
  const source = glob
    .replace(/\/+$/, "")
    .replace(/[\\^$.|+()[\]{}]/g, "\\$&")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]");
  return new RegExp(`^${source}$`);
}
