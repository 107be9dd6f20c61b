/** A flag of pivot itself that stands behind the command, where it is none: told where it belongs. */

import { type Flag, FlagError } from "./arguments.ts";
import type { Command } from "./command.ts";

/** @returns the error that says so, or the one that was given */
export function explainMisplaced(
  error: unknown,
  command: Command | null,
  globalFlags: readonly Flag[],
): unknown {
  if (!(error instanceof FlagError) || command === null) return error;
  const name = /^unknown flag: --([a-z-]+)/.exec(error.message)?.[1];
  const flag = globalFlags.find((each) => each.name === name);
  if (flag === undefined) return error;
  const value = flag.value === undefined ? "" : ` ${flag.value}`;
  return new FlagError(
    `unknown flag: --${name}; it stands before the command: pivot --${name}${value} ${command.name}`,
    { cause: error },
  );
}
