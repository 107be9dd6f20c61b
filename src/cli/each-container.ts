/** Commands that take containers one after the other: what goes wrong with one keeps none from the rest. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { pickContainer } from "../engine/find.ts";
import { type Container, listContainers } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";

/** Where the engine is, for commands to which a working directory means nothing. */
export const engineRoots = (globals: Globals): Roots =>
  readRoots(globals, process.env["PIVOT_NO_CWD"] === undefined ? process.cwd() : "/");

/**
 * @param act gives the line to print for a container, or null for none
 * @returns 1 when something went wrong with one of them, as docker's
 */
export async function eachContainer(
  given: ParsedArguments,
  globals: Globals,
  command: string,
  act: (container: Container, word: string, roots: Roots) => Promise<string | null>,
): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError(`${command} needs a container: \`pivot ps -a\` lists them`);
  }
  const roots = engineRoots(globals);
  let code = 0;
  for (const word of given.words) {
    try {
      const container = pickContainer(await listContainers(roots), word);
      const line = await act(container, word, roots);
      if (line !== null) writeAll(1, `${line}\n`);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      const lines = error instanceof WishError ? error.problems : [error.message];
      for (const line of lines) report("error", line, globals.logFormat);
      code = 1;
    }
  }
  return code;
}

/** The one container that a command is about. */
export function onlyWord({ words }: ParsedArguments, usage: string): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw new UsageError(`usage: ${usage}`);
  return word;
}
