// Sizes such as 512m.

import { accept, type Result, refuse } from "./problem.ts";

const UNITS = ["k", "m", "g", "t", "p"];

const MAX_INT64 = 2n ** 63n - 1n;

/**
 * Parses a number of bytes: `512m`, `1.5g`, `64KiB`, `1024`. Units are powers of 1024, in upper or
 * lower case; a fraction of a byte is dropped.
 *
 * @param option how the option is named in the problem
 * @param unlimited whether `-1` is accepted, for no limit
 */
export function parseBytes(given: string, option: string, unlimited = false): Result<bigint> {
  if (unlimited && given === "-1") return accept(-1n);
  const found = /^(\d{1,19})(?:\.(\d{1,19}))? ?([kmgtp])?i?b?$/i.exec(given);
  if (found === null) {
    const other = unlimited ? "; -1 is no limit" : "";
    return refuse(option, given, `invalid size: it looks like 512m, 1.5g or 1048576${other}`);
  }
  const [, whole = "", fraction = "", unit = ""] = found;
  const scale = 1024n ** BigInt(UNITS.indexOf(unit.toLowerCase()) + 1);
  // In whole numbers throughout: a floating-point number would round what is beyond 2^53.
  const bytes = (BigInt(whole + fraction) * scale) / 10n ** BigInt(fraction.length);
  if (bytes > MAX_INT64)
    return refuse(option, given, `invalid size: the most is ${MAX_INT64} bytes`);
  return accept(bytes);
}
