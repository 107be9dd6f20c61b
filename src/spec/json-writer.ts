// A value to JSON text, integers of any size included (JSON.stringify refuses bigints).

/**
 * Writes a value as JSON; `readJson` gives the same value back.
 *
 * Fields that are undefined are left out. `indent` is the number of spaces per level, or what stands
 * for a level; without it the text is one line. A value that has no JSON form (a function, NaN) is a TypeError: it is no input,
 * but a mistake in the calling program.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { writeJson } from "./mod.ts";
 *
 * assert.equal(writeJson({ hard: 18446744073709551615n }), '{"hard":18446744073709551615}');
 * ```
 */
export function writeJson(value: unknown, indent: number | string = 0): string {
  const level = typeof indent === "string" ? indent : " ".repeat(indent);
  return write(value, level === "" ? "" : "\n", level);
}

function write(value: unknown, newline: string, indent: string): string {
  if (value === null || typeof value === "boolean" || typeof value === "string") {
    return JSON.stringify(value);
  }
  if (typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value))) {
    return String(value);
  }
  if (typeof value !== "object") {
    throw new TypeError(`writing JSON: ${String(value)} (${typeof value}) has no JSON form`);
  }
  const inner = newline + (newline && indent);
  const items = Array.isArray(value)
    ? value.map((element) => write(element, inner, indent))
    : Object.entries(value)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => {
          return `${JSON.stringify(name)}:${newline && " "}${write(member, inner, indent)}`;
        });
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return items.length === 0
    ? `${open}${close}`
    : `${open}${inner}${items.join(`,${inner}`)}${newline}${close}`;
}
