/** What a command is: the tables are in `tables/`, and `commands.ts` is all of them. */

import type { Flag, ParsedArguments } from "./arguments.ts";

export type Command = {
  /** As typed: `run`, `system prune`. */
  readonly name: string;
  /** Other names, as docker has them: `container run` of `run`, `image ls` of `images`. */
  readonly aliases?: readonly string[];
  readonly usage: string;
  readonly summary: string;
  /** More about it, below the summary of its help. */
  readonly about?: string;
  /** Not in the help: for scripts of pivot's own. */
  readonly hidden?: boolean;
  /** The words from the second on are another program's: flags among them are not ours. */
  readonly takesCommand?: true;
  /** Its exit code is a program's, or an answer: an error of pivot's own is 125 there, and 1 elsewhere. */
  readonly answers?: true;
  /** Loaded only for this command: a start pays for nothing else. */
  readonly flags: () => Promise<readonly Flag[]>;
  /** @returns the exit code. */
  readonly run: () => Promise<
    (given: ParsedArguments, globals: Globals) => number | Promise<number>
  >;
};

export type Globals = {
  /** The directory of the engine's data. */
  readonly root: string | null;
  /** The directory of the containers' state. */
  readonly runRoot: string | null;
  readonly logFormat: "text" | "json";
};

export const noFlags = async (): Promise<readonly Flag[]> => [];
