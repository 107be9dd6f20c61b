// How far a container's clocks are ahead of the host's.

import type { Linux, LinuxTimeOffset } from "../spec/mod.ts";
import type { ContainerFacts } from "./facts.ts";
import type { RunOptions } from "./options.ts";
import { presentOrNone } from "./present.ts";
import type { Findings } from "./problem.ts";

/** `linux.timeOffsets`; undefined: the clocks are the host's. */
export function containerTimeOffsets(
  { timeOffsets }: RunOptions,
  { kernel }: ContainerFacts,
  findings: Findings,
): Linux["timeOffsets"] {
  const offsets = presentOrNone<NonNullable<Linux["timeOffsets"]>>({
    boottime: timeOffset(timeOffsets?.boottime, findings),
    monotonic: timeOffset(timeOffsets?.monotonic, findings),
  });
  const [major, minor] = kernel;
  if (offsets !== undefined && (major < 5 || (major === 5 && minor < 6))) {
    findings.problem("--time-offset", null, "time namespaces need Linux 5.6");
  }
  return offsets;
}

function timeOffset(seconds: number | undefined, findings: Findings): LinuxTimeOffset | undefined {
  if (seconds === undefined) return undefined;
  if (!Number.isSafeInteger(Math.floor(seconds))) {
    findings.problem("--time-offset", String(seconds), "it is a number of seconds");
    return undefined;
  }
  // The nanoseconds count upwards from the second before, for a clock that is behind too.
  const whole = Math.floor(seconds);
  const nanosecs = Math.round((seconds - whole) * 1e9);
  if (nanosecs === 1e9) return { secs: BigInt(whole + 1) };
  return { secs: BigInt(whole), ...(nanosecs === 0 ? {} : { nanosecs }) };
}
