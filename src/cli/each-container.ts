/** Commands that take containers one after the other: what goes wrong with one keeps none from the rest. */

import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { findContainer, NoSuchContainerError } from "../engine/find.ts";
import type { Container } from "../engine/status.ts";
import { writeAll } from "../host/write.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";

/** Where the engine is, for commands to which a working directory means nothing. */
export const engineRoots = (globals: Globals): Roots =>
  readRoots(globals, process.env["PIVOT_NO_CWD"] === undefined ? process.cwd() : "/");

type Act = (container: Container, word: string, roots: Roots) => Promise<string | null>;

type Done = {
  readonly line: string | null;
  readonly problems: readonly string[];
  /** What went wrong is that it is not there. */
  readonly isGone?: boolean;
};

async function tryOne(word: string, roots: Roots, act: Act): Promise<Done> {
  try {
    const container = await findContainer(roots, word);
    return { line: await act(container, word, roots), problems: [] };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const problems = error instanceof WishError ? error.problems : [error.message];
    return { line: null, problems, isGone: error instanceof NoSuchContainerError };
  }
}

/** For `atOnce`: as many as docker's client takes. */
export const manyAtOnce = 50;

/**
 * What comes of each is told in the order of the words.
 *
 * @param act gives the line to print for a container, or null for none
 * @param atOnce with how many it is under way at a time: ending one may take seconds
 * @param mayBeGone a container that is not there is told, and is no failure
 * @returns 1 when something went wrong with one of them, as docker's
 */
export async function eachContainer(
  given: ParsedArguments,
  globals: Globals,
  command: string,
  act: Act,
  atOnce = 1,
  mayBeGone = false,
): Promise<number> {
  const { words } = given;
  if (words.length === 0) {
    throw new UsageError(`${command} needs a container: \`pivot ps -a\` lists them`);
  }
  const roots = engineRoots(globals);
  const underWay: Promise<Done>[] = [];
  let code = 0;
  for (const index of words.keys()) {
    for (const word of words.slice(underWay.length, index + atOnce)) {
      underWay.push(tryOne(word, roots, act));
    }
    const { line, problems, isGone } = (await underWay[index]) ?? { line: null, problems: [] };
    if (line !== null) writeAll(1, `${line}\n`);
    for (const problem of problems) report("error", problem, globals.logFormat);
    if (problems.length > 0 && !(mayBeGone && isGone === true)) code = 1;
  }
  return code;
}

/** The one container that a command is about. */
export function onlyWord({ words }: ParsedArguments, usage: string): string {
  const [word] = words;
  if (word === undefined || words.length > 1) throw new UsageError(`usage: ${usage}`);
  return word;
}
