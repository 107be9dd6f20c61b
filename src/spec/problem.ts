// What is wrong with a document: the Problem value, and its printing as one line.

/** A place in a JSON text, both counted from 1; a column is a code point. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * One thing that is wrong with a configuration.
 *
 * `path` is in the terms of the configuration (`mounts[3].destination`), and empty for the document
 * as a whole. `expected` and `received` are noun phrases: together they read "expected a whole
 * number, received the string \"512m\"". `position` is there for what only the text has: a syntax
 * error, a field given twice.
 */
export interface Problem {
  readonly path: string;
  readonly expected: string;
  readonly received: string;
  readonly position?: Position;
}

/** A number token that is no plain integer of at most 20 digits, kept as it was written. */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** No more problems than these are listed: what follows is either the same again, or an attack. */
export const MAX_PROBLEMS = 1000;

/** The steps from the document to a value: field names and array indices. */
export type Path = readonly (string | number)[];

/**
 * The problem as one line, without a line break or an invisible character whatever the input was.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatProblem } from "./mod.ts";
 *
 * assert.equal(
 *   formatProblem({ path: "hostname", expected: "a string", received: "the number 3" }),
 *   "hostname: expected a string, received the number 3",
 * );
 * ```
 */
export function formatProblem(problem: Problem): string {
  const { path, position, expected, received } = problem;
  const place = position && `line ${position.line}, column ${position.column}`;
  const where = path && place ? `${path} (${place})` : path || place || "the document";
  return `${where}: expected ${expected}, received ${received}`;
}

/** The path as it is written in a Problem: `linux.sysctl["net.ipv4.ip_forward"]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const step of path) {
    if (typeof step === "number") {
      text += `[${step}]`;
    } else if (/^[A-Za-z_]\w{0,99}$/.test(step)) {
      text += text === "" ? step : `.${step}`;
    } else {
      text += `[${quote(step)}]`;
    }
  }
  return text;
}

/** A short rendering of any value together with its type, on one line. */
export function describe(value: unknown): string {
  switch (typeof value) {
    case "undefined":
      return "nothing";
    case "boolean":
      return String(value);
    case "string":
      return value.length > 60
        ? `the string ${quote(value)} of ${value.length} characters`
        : `the string ${quote(value)}`;
    case "number":
      return Number.isInteger(value) && !Number.isSafeInteger(value)
        ? `the number ${value}, which may have been rounded (give it as a bigint)`
        : `the number ${value}`;
    case "bigint":
      return `the number ${shorten(String(value))}`;
    case "object":
      return describeObject(value);
    default:
      return `a ${typeof value}`;
  }
}

function describeObject(value: object | null): string {
  if (value === null) return "null";
  if (value instanceof JsonNumber) return `the number ${shorten(value.source)}`;
  if (Array.isArray(value)) {
    return value.length === 0 ? "an empty array" : `an array of ${value.length}`;
  }
  const keys = Object.keys(value);
  if (keys.length === 0) return "an empty object";
  const shown = keys.slice(0, 3).map(quote).join(", ");
  return `an object with ${keys.length > 3 ? `${shown} and others` : shown}`;
}

/** The string in double quotes, cut after 60 characters, with all that a terminal obeys escaped. */
export function quote(text: string): string {
  // What JSON.stringify leaves alone although it is a control, reorders text, breaks a line or shows
  // nothing: DEL and C1, bidirectional marks, line and paragraph separators, zero-width characters.
  const unprintable =
    /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
  return JSON.stringify(shorten(text)).replace(unprintable, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

function shorten(text: string): string {
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
