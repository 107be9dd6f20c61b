// JSON text to a value, without losing anything on the way.
//
// JSON.parse alone is no sound reader of a configuration: it rounds integers beyond 2^53 (a limit of
// 9223372036854775807 bytes becomes another number) and drops all but the last of the fields that
// bear the same name. Its own native code is five times as quick as any reader written in JavaScript
// though, when nothing has been compiled yet, and that is how every command starts. So JSON.parse does
// the work, and two passes of a regular expression show that it cannot have lost anything; when they
// do not, or when there is an error to locate, the exact reader reads the text again.

import { type Duplicate, type JsonValue, MAX_DEPTH, readExactly } from "./json-reader.ts";
import type { Problem } from "./problem.ts";

/** What a JSON text holds, or the first syntax error in it. */
export type JsonReading =
  | { readonly ok: true; readonly value: JsonValue; readonly duplicates: readonly Duplicate[] }
  | { readonly ok: false; readonly problem: Problem };

/**
 * Reads a JSON text (RFC 8259).
 *
 * Integers that a `number` holds exactly are numbers, those of up to 20 digits are bigints, any other
 * number is a `JsonNumber` that keeps its text. A field that stands twice in an object is listed in
 * `duplicates`; the value has the last one. `__proto__` is a field like any other. Text that is no
 * JSON, or is nested deeper than 500 levels, gives a Problem with the line and column.
 */
export function readJson(text: string): JsonReading {
  let value: JsonValue;
  try {
    value = JSON.parse(text);
  } catch {
    return readExactly(text);
  }
  // A number that JSON.parse may have altered: 16 digits and more, a fraction, an exponent. A string
  // can look like one ("a, 1.5, b"), which costs the exact reading and nothing else.
  const suspect =
    /(?:^|[\s:,[])-?(?:\d{16,}|\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+)\s*(?:[,\]}]|$)/;
  if (suspect.test(text)) return readExactly(text);
  // Each field name ends so, and a string may seem to: there are never fewer matches than field names.
  // If there are as many as the value has fields, then none of the names was given twice.
  const names = text.match(/"\s*:/g)?.length ?? 0;
  return countNames(value, 0) === names ? { ok: true, value, duplicates: [] } : readExactly(text);
}

/** How many fields all objects in the value have together; NaN, equal to nothing, if nested too deep. */
function countNames(value: JsonValue, depth: number): number {
  if (typeof value !== "object" || value === null) return 0;
  if (depth === MAX_DEPTH) return Number.NaN;
  let count = 0;
  if (Array.isArray(value)) {
    for (const element of value) {
      if (typeof element === "object") count += countNames(element, depth + 1);
    }
    return count;
  }
  const members = Object.values(value);
  for (const member of members) {
    if (typeof member === "object") count += countNames(member, depth + 1);
  }
  return count + members.length;
}
