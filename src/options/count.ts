// Whole numbers as a program may give them: checked, and made bigints.

import type { Count } from "./mount-option.ts";
import type { Findings } from "./problem.ts";

const MAX_INT64 = 2n ** 63n - 1n;

/** Bounds, both included. */
export interface Bounds {
  readonly min?: bigint;
  readonly max?: bigint;
}

/** The number; undefined if there is none, or if it is no whole number within the bounds. */
export function wholeNumber(
  value: Count | undefined,
  option: string,
  findings: Findings,
  { min = 0n, max = MAX_INT64 }: Bounds = {},
): bigint | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
    findings.problem(option, String(value), "it is a whole number, and a bigint beyond 2^53");
    return undefined;
  }
  const whole = BigInt(value);
  if (whole >= min && whole <= max) return whole;
  const range = max === MAX_INT64 ? `it is at least ${min}` : `it goes from ${min} to ${max}`;
  findings.problem(option, String(value), range);
  return undefined;
}

/** As wholeNumber, where 0 stands for none. */
export function countOrNone(
  value: Count | undefined,
  option: string,
  findings: Findings,
  bounds: Bounds = {},
): bigint | undefined {
  const whole = wholeNumber(value, option, findings, bounds);
  return whole === 0n ? undefined : whole;
}
