// What is wrong with an option: the value that says so, and its printing as one line.

import { quote } from "../spec/problem.ts";

/**
 * One thing that is wrong with an option.
 *
 * `option` is written as in the usage text, with the short form first: `-v, --volume`. `received` is
 * the argument as it was given; null where no single argument is to blame, as with two options that
 * exclude each other. `reason` says what is wrong, or what the argument looks like.
 */
export interface OptionProblem {
  readonly option: string;
  readonly received: string | null;
  readonly reason: string;
}

/** A value, or the one reason why there is none. */
export type Result<T> = { readonly ok: true; readonly value: T } | Refusal;

export interface Refusal {
  readonly ok: false;
  readonly problem: OptionProblem;
}

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function refuse(option: string, received: string | null, reason: string): Refusal {
  return { ok: false, problem: { option, received, reason } };
}

/**
 * The problem as one line, whatever characters the argument has.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { formatOptionProblem, parseVolume } from "./mod.ts";
 *
 * const parsed = parseVolume("/data:rw", "/");
 * assert(!parsed.ok);
 * assert.equal(
 *   formatOptionProblem(parsed.problem),
 *   'invalid argument "/data:rw" for "-v, --volume": a mode needs a source and a target: SOURCE:TARGET:rw',
 * );
 * ```
 */
export function formatOptionProblem({ option, received, reason }: OptionProblem): string {
  // A reason may repeat a part of the argument, with whatever is in it.
  const line = reason.replace(unprintable, (character) => quote(character).slice(1, -1));
  if (received === null) return `${option}: ${line}`;
  return `invalid argument ${quote(received)} for "${option}": ${line}`;
}

/** Controls, what reorders or hides text, line breaks, and halves of surrogate pairs. */
const unprintable = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** What turns up while many options are gone through: the work goes on, to find everything. */
export class Findings {
  readonly problems: OptionProblem[] = [];
  readonly warnings: string[] = [];

  problem(option: string, received: string | null, reason: string): void {
    this.problems.push({ option, received, reason });
  }

  warning(line: string): void {
    this.warnings.push(line);
  }

  /** The value of a result; its problem is noted, and the value undefined then. */
  take<T>(result: Result<T>): T | undefined {
    if (result.ok) return result.value;
    this.problems.push(result.problem);
    return undefined;
  }
}
