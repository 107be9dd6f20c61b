/** The table of commands: help, parsing and dispatch are all made from it. */

import type { Flag, ParsedArguments } from "./arguments.ts";

export type Command = {
  /** As typed: `run`, `system prune`. */
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  /** More about it, below the summary of its help. */
  readonly about?: string;
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

export const globalFlags: readonly Flag[] = [
  { name: "root", value: "DIR", help: "keep images and writable layers there" },
  { name: "runroot", value: "DIR", help: "keep the state of containers there" },
  { name: "log-format", value: "text|json", help: "how errors and warnings are written" },
  { name: "help", short: "h", help: "say what there is" },
  { name: "version", short: "v", help: "say which version this is" },
];

const none = async (): Promise<readonly Flag[]> => [];

export const commands: readonly Command[] = [
  {
    name: "run",
    usage: "pivot run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Run a command in a new container",
    flags: async () => (await import("./run-flags.ts")).runFlags,
    run: async () => (await import("./run.ts")).runCommand,
  },
  {
    name: "plan",
    usage: "pivot plan [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Show what `run` would do, step by step, without doing it",
    about: "Takes every option of `run`.",
    flags: async () => (await import("./plan-flags.ts")).planFlags,
    run: async () => (await import("./plan.ts")).planCommand,
  },
  {
    name: "system prune",
    usage: "pivot system prune",
    summary: "Remove what ended or killed containers have left behind",
    flags: none,
    run: async () => (await import("./system-prune.ts")).systemPruneCommand,
  },
  {
    name: "version",
    usage: "pivot version",
    summary: "Show the version",
    flags: none,
    run: async () => (await import("./version.ts")).versionCommand,
  },
];
