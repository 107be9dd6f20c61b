/** What a person is told of an error that was not made for people: loaded when one is to be told. */

import { whyOf } from "../host/file-error.ts";
import { type Flag, FlagError } from "./arguments.ts";
import type { Command } from "./command.ts";

/** `cannot mkdir /proc/x: ENOENT: No such file or directory`; null: it is no error of node:fs. */
function ofSystemCall(error: unknown): string | null {
  if (!(error instanceof Error) || error.constructor !== Error) return null;
  const { code, syscall, path, message } = error as NodeJS.ErrnoException;
  // One with words of our own has kept the code alone.
  if (code === undefined || syscall === undefined || !message.startsWith(`${code}: `)) return null;
  const what = path ?? (syscall === "write" ? "what was asked for" : "");
  return `cannot ${syscall}${what === "" ? "" : ` ${what}`}: ${whyOf(error)}`;
}

/** A flag of pivot itself that stands behind the command, where it is none: where it belongs. */
function ofMisplacedFlag(
  error: unknown,
  command: Command | null,
  globalFlags: readonly Flag[],
): string | null {
  if (!(error instanceof FlagError) || command === null) return null;
  const name = /^unknown flag: --([a-z-]+)/.exec(error.message)?.[1];
  const flag = globalFlags.find((each) => each.name === name);
  if (flag === undefined) return null;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return `unknown flag: --${name}; it stands before the command: pivot --${name}${value} ${command.name}`;
}

/**
 * @param command whose error it is; null where the words name none
 * @returns the error in better words, or the one that was given
 */
export function explainError(
  error: unknown,
  command: Command | null,
  globalFlags: readonly Flag[],
): unknown {
  const misplaced = ofMisplacedFlag(error, command, globalFlags);
  if (misplaced !== null) return new FlagError(misplaced, { cause: error });
  const call = ofSystemCall(error);
  if (call === null) return error;
  const told = new Error(call, { cause: error });
  // PIVOT_TRACE shows where it came from.
  if (error instanceof Error && error.stack !== undefined) told.stack = error.stack;
  return told;
}
