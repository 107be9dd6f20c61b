// The shapes of single values: text, names, paths, numbers.

import { describe, JsonNumber } from "./problem.ts";
import type { Report, Shape } from "./shape.ts";

export function boolean(value: unknown, report: Report): boolean | undefined {
  return typeof value === "boolean" ? value : report.expected("true or false", value);
}

/** Text that a system call can take: it has no NUL, and UTF-8 can encode it. */
export function text(value: unknown, report: Report): string | undefined {
  return usable("a string", value, report);
}

export function absolutePath(value: unknown, report: Report): string | undefined {
  const path = usable("an absolute path", value, report);
  if (path === undefined || path.startsWith("/")) return path;
  return report.expected("an absolute path", value);
}

/** Text that passes a test; `what` is a noun phrase, "an absolute path". */
export function textThat(what: string, test: (text: string) => boolean): Shape<string> {
  return (value, report) => {
    const read = usable(what, value, report);
    return read === undefined || test(read) ? read : report.expected(what, value);
  };
}

function usable(what: string, value: unknown, report: Report): string | undefined {
  if (typeof value !== "string") return report.expected(what, value);
  if (value.includes("\0")) return report.expected(`${what} without a NUL character`, value);
  if (!value.isWellFormed()) return report.expected(`${what} without a lone surrogate`, value);
  return value;
}

export function nonEmpty(what: string): Shape<string> {
  return textThat(what, (given) => given !== "");
}

export function singleLine(what: string): Shape<string> {
  return textThat(what, isSingleLine);
}

export function isSingleLine(line: string): boolean {
  return !/[\r\n]/.test(line);
}

/** CPUs or memory nodes as `0-3,7` (config-linux.md, CPU); an empty list is the same as none. */
export function idList(what: string): Shape<string> {
  return textThat(`${what} such as "0-3,7"`, isIdList);
}

function isIdList(list: string): boolean {
  return /^(?:\s*\d+(?:-\d+)?\s*(?:,\s*\d+(?:-\d+)?\s*)*)?$/.test(list);
}

/** A network device name as the kernel takes it (net/core/dev.c, dev_valid_name). */
export function isInterfaceName(name: string): boolean {
  return /^[^\s/:]{1,15}$/.test(name) && name !== "." && name !== "..";
}

/** One of a few words, all of which the error names. */
export function oneOf<const Name extends string>(names: readonly Name[]): Shape<Name> {
  return nameOf(names, () => `one of ${names.map((name) => `"${name}"`).join(", ")}`);
}

/** One of many words, which the error describes. */
export function oneOfMany<const Name extends string>(
  what: string,
  names: readonly Name[],
): Shape<Name> {
  return nameOf(names, () => what);
}

function nameOf<Name extends string>(names: readonly Name[], what: () => string): Shape<Name> {
  return (value, report) => {
    return isOneOf(names, value) ? value : report.expected(what(), value);
  };
}

function isOneOf<Name extends string>(names: readonly Name[], value: unknown): value is Name {
  return names.includes(value as Name);
}

/**
 * An array of words of which the unknown ones are left out, each with a warning: what the document
 * asks for cannot be granted, which by the specification is no reason to refuse it.
 */
export function knownOf<const Name extends string>(
  what: string,
  names: readonly Name[],
): Shape<readonly Name[]> {
  return (value, report) => {
    if (!Array.isArray(value)) return report.expected("an array", value);
    const known: Name[] = [];
    for (let index = 0; index < value.length; index++) {
      report.enter(index);
      const given = text(value[index], report);
      if (isOneOf(names, given)) known.push(given);
      else if (given !== undefined) report.warning(what, `${describe(given)}, which is ignored`);
      report.leave();
    }
    return known;
  };
}

/** A whole number in a range that a JavaScript number holds exactly. */
export function integer(what: string, min: number, max: number): Shape<number> {
  return (value, report) => {
    const read = typeof value === "bigint" ? Number(value) : value;
    if (typeof read !== "number" || !Number.isSafeInteger(read)) {
      return report.expected(isWhole(value) ? inRange(what, min, max) : what, value);
    }
    // Adding 0 makes a 0 of -0.
    return read >= min && read <= max ? read + 0 : report.expected(inRange(what, min, max), value);
  };
}

/**
 * A whole number of 64 bits, always as a bigint. A number beyond 2^53 is refused: whoever made a
 * JavaScript number of it has lost digits, and the document must not change in silence.
 */
export function wideInteger(what: string, min: bigint, max: bigint): Shape<bigint> {
  return (value, report) => {
    if (typeof value !== "bigint" && !Number.isSafeInteger(value)) {
      return report.expected(isWhole(value) ? inRange(what, min, max) : what, value);
    }
    const read = BigInt(value as number | bigint);
    return read >= min && read <= max ? read : report.expected(inRange(what, min, max), value);
  };
}

/** Whether the value is a whole number all the same, if not one that can be taken. */
function isWhole(value: unknown): boolean {
  return typeof value === "bigint" || (value instanceof JsonNumber && /^-?\d+$/.test(value.source));
}

function inRange(what: string, min: number | bigint, max: number | bigint): string {
  return max === Number.MAX_SAFE_INTEGER
    ? `${what}, at least ${min}`
    : `${what} from ${min} to ${max}`;
}

const MAX_INT64 = 9223372036854775807n;
const MAX_UINT64 = 18446744073709551615n;

export function int64(what: string, min = -MAX_INT64 - 1n): Shape<bigint> {
  return wideInteger(what, min, MAX_INT64);
}

export function uint64(what: string): Shape<bigint> {
  return wideInteger(what, 0n, MAX_UINT64);
}

export function uint32(what: string): Shape<number> {
  return integer(what, 0, 2 ** 32 - 1);
}

/**
 * A user or group id. 4294967295 is none: to the kernel (uid_t)-1 means "leave it as it is", which
 * would make the id of a container's process that of its runtime (setresuid(2), chown(2)).
 */
export function id(): Shape<number> {
  return integer("a whole number", 0, 2 ** 32 - 2);
}
