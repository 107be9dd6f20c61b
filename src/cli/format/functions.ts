/** The functions of a template: those of text/template, and docker's own. */

import { isRecord, printValue, sortedEntries, sprint, sprintf, typeName } from "./print.ts";

/** Throws an Error whose message says what is wrong with the arguments. */
export type TemplateFunction = (...values: unknown[]) => unknown;

/** Empty values are false: 0, "", null, and arrays and objects without elements. */
export function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (isRecord(value)) return Object.keys(value).length > 0;
  return Boolean(value);
}

function wrong(problem: string): never {
  throw new Error(problem);
}

const kindOf = (value: unknown): string =>
  value === null || value === undefined
    ? "nil"
    : Array.isArray(value)
      ? "slice"
      : typeof value === "object"
        ? "map"
        : typeof value;

function text(value: unknown): string {
  if (typeof value === "string") return value;
  return wrong(`wrong type for value; expected string; got ${typeName(value)}`);
}

function whole(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value)) return value;
  return wrong(`cannot index slice/array with type ${typeName(value)}`);
}

/** What `json` prints: keys as they stand, and no escapes for HTML. */
export const toJson = (value: unknown, indent?: number): string =>
  JSON.stringify(
    value ?? null,
    (_, each) => (each instanceof Map ? Object.fromEntries(sortedEntries(each)) : each),
    indent,
  );

function indexInto(value: unknown, ...keys: unknown[]): unknown {
  let found = value;
  for (const key of keys) {
    if (Array.isArray(found)) {
      const at = whole(key);
      if (at < 0 || at >= found.length) wrong(`index out of range: ${at}`);
      found = found[at];
    } else if (typeof found === "string") {
      const bytes = Buffer.from(found);
      const at = whole(key);
      if (at < 0 || at >= bytes.length) wrong(`index out of range: ${at}`);
      found = bytes[at];
    } else if (found instanceof Map) {
      // A missing key of a map of strings is the empty string, as in Go.
      found = found.get(text(key)) ?? "";
    } else if (isRecord(found)) {
      const name = text(key);
      found = Object.hasOwn(found, name) ? found[name] : "";
    } else if (found === null || found === undefined) {
      wrong("index of untyped nil");
    } else {
      wrong(`can't index item of type ${typeName(found)}`);
    }
  }
  return found;
}

function slice(value: unknown, from: unknown = 0, to?: unknown): unknown {
  const sliced = typeof value === "string" ? Buffer.from(value) : value;
  if (!Array.isArray(sliced) && !Buffer.isBuffer(sliced)) {
    return wrong(`can't slice item of type ${typeName(value)}`);
  }
  const start = whole(from);
  const end = to === undefined ? sliced.length : whole(to);
  for (const at of [start, end]) {
    if (at < 0 || at > sliced.length) wrong(`index out of range: ${at}`);
  }
  if (start > end) wrong(`invalid slice index: ${start} > ${end}`);
  return Array.isArray(sliced) ? sliced.slice(start, end) : sliced.subarray(start, end).toString();
}

function length(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value instanceof Map) return value.size;
  if (isRecord(value)) return Object.keys(value).length;
  return wrong(kindOf(value) === "nil" ? "len of nil pointer" : `len of type ${typeName(value)}`);
}

function isEqual(a: unknown, b: unknown): boolean {
  const left = a ?? null;
  const right = b ?? null;
  if (left === null || right === null) return left === right;
  if (typeof left === "object" || typeof right === "object") {
    return wrong("non-comparable type");
  }
  if (typeof left !== typeof right) return wrong("incompatible types for comparison");
  return left === right;
}

function isLess(a: unknown, b: unknown): boolean {
  if (typeof a === "number" && typeof b === "number") return a < b;
  if (typeof a === "string" && typeof b === "string") return a < b;
  return wrong(
    typeof a === typeof b ? "invalid type for comparison" : "incompatible types for comparison",
  );
}

function equalsAny(...values: unknown[]): boolean {
  const [first, ...rest] = values;
  if (rest.length === 0) return wrong("missing argument for comparison");
  return rest.some((each) => isEqual(first, each));
}

const titled = (value: string): string =>
  value.replace(
    /(^|[^\p{L}\p{N}_])(\p{L})/gu,
    (_, before: string, letter: string) => before + letter.toUpperCase(),
  );

function joined(values: unknown, separator: unknown): string {
  if (!Array.isArray(values)) {
    return wrong(`wrong type for value; expected []string; got ${typeName(values)}`);
  }
  return values.map(printValue).join(text(separator));
}

function padded(value: unknown, before: unknown, after: unknown): string {
  const shown = text(value);
  return shown === "" ? "" : " ".repeat(whole(before)) + shown + " ".repeat(whole(after));
}

const html: Readonly<Record<string, string>> = {
  "<": "&lt;",
  ">": "&gt;",
  "&": "&amp;",
  '"': "&#34;",
  "'": "&#39;",
};

/** `and` and `or` are the evaluator's: they take no more operands than they need. */
export const shortCircuits: ReadonlySet<string> = new Set(["and", "or"]);

export const templateFunctions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => toJson(value),
  split: (value, separator) => text(value).split(text(separator)),
  join: joined,
  title: (value) => titled(text(value)),
  lower: (value) => text(value).toLowerCase(),
  upper: (value) => text(value).toUpperCase(),
  pad: padded,
  truncate: (value, most) => [...text(value)].slice(0, Math.max(0, whole(most))).join(""),
  print: (...values) => sprint(values),
  println: (...values) => `${values.map(printValue).join(" ")}\n`,
  printf: (format, ...values) => sprintf(text(format), values),
  html: (...values) => sprint(values).replace(/[<>&"']/g, (each) => html[each] ?? each),
  urlquery: (...values) => encodeURIComponent(sprint(values)).replaceAll("%20", "+"),
  index: indexInto,
  slice,
  len: length,
  not: (value) => !isTrue(value),
  eq: equalsAny,
  ne: (a, b) => !isEqual(a, b),
  lt: isLess,
  le: (a, b) => !isLess(b, a),
  gt: (a, b) => isLess(b, a),
  ge: (a, b) => !isLess(a, b),
};

/** How many arguments a function takes: at least, at most. */
export const takes: Readonly<Record<string, readonly [number, number]>> = {
  json: [1, 1],
  split: [2, 2],
  join: [2, 2],
  title: [1, 1],
  lower: [1, 1],
  upper: [1, 1],
  pad: [3, 3],
  truncate: [2, 2],
  printf: [1, Number.POSITIVE_INFINITY],
  index: [1, Number.POSITIVE_INFINITY],
  slice: [1, 3],
  len: [1, 1],
  not: [1, 1],
  eq: [1, Number.POSITIVE_INFINITY],
  ne: [2, 2],
  lt: [2, 2],
  le: [2, 2],
  gt: [2, 2],
  ge: [2, 2],
};

/** In the header of a table a function leaves the column's name as it is, but for `pad`. */
export const headerFunctions: Readonly<Record<string, TemplateFunction>> = {
  ...templateFunctions,
  json: (value) => value,
  split: (value) => value,
  join: (value) => value,
  title: (value) => value,
  lower: (value) => value,
  upper: (value) => value,
  truncate: (value) => value,
};
