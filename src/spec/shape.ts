// The combinators that describe a document: each type of the configuration is written once, as a Shape.
//
// A Shape reads an unknown value. What it finds wrong it reports, and goes on: all problems of a
// document come out of one reading. It reads own properties only, so that nothing inherited (and no
// field called `__proto__`) is ever taken for a part of the document.

import {
  describe,
  formatPath,
  JsonNumber,
  MAX_PROBLEMS,
  type Path,
  type Problem,
  quote,
} from "./problem.ts";

/** Reads a value: gives it back checked, or reports why not and gives undefined. */
export type Shape<T> = (value: unknown, report: Report) => T | undefined;

/** Where a reading is in the document, and what it has found so far. */
export class Report {
  /** The first of what was found, since a large document can have more than there is memory for. */
  readonly problems: Problem[] = [];
  readonly warnings: Problem[] = [];
  /** How many problems there are, listed or not. */
  found = 0;
  readonly #path: (string | number)[] = [];

  enter(step: string | number): void {
    this.#path.push(step);
  }

  leave(): void {
    this.#path.pop();
  }

  /** Reports that the value at hand is not what it should be. */
  expected(expectation: string, received: unknown): undefined {
    this.problem(expectation, describe(received));
  }

  /** Reports a problem in its own words, at the value at hand or at a member of it. */
  problem(expected: string, received: string, ...below: (string | number)[]): void {
    this.found++;
    this.#list(this.problems, expected, received, below);
  }

  /** Notes what is odd in the value at hand, but no reason to refuse the document. */
  warning(expected: string, received: string, ...below: (string | number)[]): void {
    this.#list(this.warnings, expected, received, below);
  }

  #list(problems: Problem[], expected: string, received: string, below: Path): void {
    if (problems.length === MAX_PROBLEMS) return;
    problems.push({ path: formatPath([...this.#path, ...below]), expected, received });
  }
}

/** A field of an object: its shape, and what holds when it is absent. */
export interface Field<T, Presence extends "required" | "optional"> {
  readonly presence: Presence;
  readonly shape: Shape<T>;
  readonly absent?: T;
}

/** A field of each name of T, required where T has it always, optional where T may lack it. */
export type Fields<T> = {
  readonly [Name in keyof T]-?: object extends Pick<T, Name>
    ? Field<Exclude<T[Name], undefined>, "optional">
    : Field<T[Name], "required">;
};

export function required<T>(shape: Shape<T>): Field<T, "required"> {
  return { presence: "required", shape };
}

/** A field that may be absent. `null` is the same as absent, since that is what Go writes and reads. */
export function optional<T>(shape: Shape<T>): Field<T, "optional"> {
  return { presence: "optional", shape };
}

/** A field that the document may lack and the value never does. */
export function withDefault<T>(shape: Shape<T>, absent: T): Field<T, "required"> {
  return { presence: "required", shape, absent };
}

/** An object with these fields; others are ignored, as the specification wants. */
export function object<T extends object>(fields: Fields<T>): Shape<T> {
  const known = new Map<string, AnyField>(Object.entries(fields));
  const always = [...known].filter(([, { absent, presence }]) => {
    return absent !== undefined || presence === "required";
  });
  return (value, report) => {
    if (!isObject(value)) return report.expected("an object", value);
    const read: Record<string, unknown> = {};
    for (const name of Object.keys(value)) {
      const field = known.get(name);
      if (field === undefined) warnOfSpelling(name, known, report);
      else if (!isAbsent(value[name])) read[name] = member(name, field, value[name], report);
    }
    for (const [name, field] of always) {
      const given = Object.hasOwn(value, name) ? value[name] : undefined;
      if (!isAbsent(given)) continue;
      // The shape itself says what it misses.
      read[name] = field.absent ?? member(name, field, given, report);
    }
    return read as T;
  };
}

type AnyField = Field<unknown, "required" | "optional">;

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function member(name: string, field: AnyField, value: unknown, report: Report): unknown {
  report.enter(name);
  const read = field.shape(value, report);
  report.leave();
  return read;
}

/**
 * An unknown field may be a known one in other letters: Go's decoder would take it, so the document
 * works elsewhere, and to ignore it in silence could drop a restriction.
 */
function warnOfSpelling(name: string, known: ReadonlyMap<string, unknown>, report: Report): void {
  const letters = name.toLowerCase();
  for (const meant of known.keys()) {
    if (meant.toLowerCase() !== letters) continue;
    report.warning(`the spelling "${meant}"`, "another one, which is ignored", name);
  }
}

/** What an array must be: `filled` says what must be in it, `unique` what sets the elements apart. */
export interface ListRule<T> {
  readonly filled?: string;
  readonly unique?: { readonly per: string; readonly key: (element: T) => string };
}

/** An array of values of one shape. */
export function list<T>(shape: Shape<T>, rule: ListRule<T> = {}): Shape<readonly T[]> {
  const { filled, unique } = rule;
  return (value, report) => {
    if (!Array.isArray(value) || (filled !== undefined && value.length === 0)) {
      return report.expected(filled ?? "an array", value);
    }
    const read: T[] = [];
    const seen = unique && new Set<string>();
    for (let index = 0; index < value.length; index++) {
      report.enter(index);
      const found = report.found;
      const element = shape(value[index], report);
      if (element !== undefined) {
        read.push(element);
        if (unique && seen && report.found === found) {
          const key = unique.key(element);
          if (seen.has(key)) {
            report.problem(`one entry per ${unique.per}`, `a second ${quote(key)}`);
          }
          seen.add(key);
        }
      }
      report.leave();
    }
    return read;
  };
}

/** What the keys of a map must be; without `test`, any text that is not empty. */
export interface KeyRule {
  readonly expected: string;
  readonly test?: (key: string) => boolean;
}

/** An object used as a map: any keys that obey the rule, values of one shape. It has no prototype. */
export function map<T>(shape: Shape<T>, keys: KeyRule): Shape<Readonly<Record<string, T>>> {
  return (value, report) => {
    if (!isObject(value)) return report.expected("an object", value);
    const read: Record<string, T> = Object.create(null);
    for (const [key, given] of Object.entries(value)) {
      report.enter(key);
      const fits = key !== "" && !key.includes("\0") && key.isWellFormed();
      if (!fits || (keys.test && !keys.test(key))) {
        report.problem(keys.expected, `the key ${quote(key)}`);
      }
      const element = shape(given, report);
      if (element !== undefined) read[key] = element;
      report.leave();
    }
    return read;
  };
}

/** A shape and a rule between its parts, which is asked only if each part is right by itself. */
export function checked<T>(shape: Shape<T>, check: (value: T, report: Report) => void): Shape<T> {
  return (value, report) => {
    const found = report.found;
    const read = shape(value, report);
    if (read !== undefined && report.found === found) check(read, report);
    return read;
  };
}

/** A shape that is built when it is first used, so that importing the module does no work. */
export function lazy<T>(build: () => Shape<T>): Shape<T> {
  let shape: Shape<T> | undefined;
  return (value, report) => {
    shape ??= build();
    return shape(value, report);
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof JsonNumber)
  );
}
