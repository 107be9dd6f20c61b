/** The table of the OCI runtime's commands: help, parsing and dispatch are all made from it. */

import type { Flag, ParsedArguments } from "../cli/arguments.ts";
import type { Globals } from "./globals.ts";

export type Run = (given: ParsedArguments, globals: Globals) => number | Promise<number>;

export type OciCommand = {
  readonly name: string;
  /** What follows the name. */
  readonly usage: string;
  readonly summary: string;
  /** Loaded only for this command. */
  readonly flags?: () => Promise<readonly Flag[]>;
  readonly run: () => Promise<Run>;
  /** The exit code of an error that is not the program's; 1 when absent. */
  readonly ownError?: number;
  /** Flags may also follow the first word, as in `kill ID TERM --all`. */
  readonly flagsAnywhere?: boolean;
};

const force: Flag = { name: "force", short: "f", help: "also one that runs, or is gone already" };

export const commands: readonly OciCommand[] = [
  {
    name: "create",
    usage: "[OPTIONS] ID",
    summary: "Make a container from a bundle, up to its program",
    flags: async () => (await import("./create.ts")).createFlags,
    run: async () => (await import("./create.ts")).createCommand,
  },
  {
    name: "start",
    usage: "ID",
    summary: "Run the program of a created container",
    run: async () => (await import("./simple-commands.ts")).startCommand,
  },
  {
    name: "run",
    usage: "[OPTIONS] ID",
    summary: "Create and start in one",
    flags: async () => (await import("./create.ts")).runFlags,
    run: async () => (await import("./create.ts")).runCommand,
  },
  {
    name: "state",
    usage: "ID",
    summary: "Show the state of a container as JSON",
    run: async () => (await import("./state-command.ts")).stateCommand,
  },
  {
    name: "kill",
    usage: "[OPTIONS] ID [SIGNAL]",
    summary: "Send a signal to a container's process; TERM unless another is named",
    flags: async () => [{ name: "all", short: "a", help: "to every process of the container" }],
    flagsAnywhere: true,
    run: async () => (await import("./simple-commands.ts")).killCommand,
  },
  {
    name: "delete",
    usage: "[OPTIONS] ID...",
    summary: "Remove what is left of a container",
    flags: async () => [force],
    flagsAnywhere: true,
    run: async () => (await import("./simple-commands.ts")).deleteCommand,
  },
  {
    name: "exec",
    usage: "[OPTIONS] ID COMMAND [ARG...]",
    summary: "Run a further process in a container",
    flags: async () => (await import("./exec.ts")).execFlags,
    run: async () => (await import("./exec.ts")).execCommand,
    ownError: 255,
  },
  {
    name: "list",
    usage: "[OPTIONS]",
    summary: "List the containers",
    flags: async () => [
      { name: "format", short: "f", value: "table|json", help: "how" },
      { name: "quiet", short: "q", help: "only their ids" },
    ],
    run: async () => (await import("./list-commands.ts")).listCommand,
  },
  {
    name: "ps",
    usage: "[OPTIONS] ID [PS-OPTION...]",
    summary: "List the processes of a container",
    flags: async () => [{ name: "format", short: "f", value: "table|json", help: "how" }],
    run: async () => (await import("./list-commands.ts")).psCommand,
  },
  {
    name: "pause",
    usage: "ID",
    summary: "Stop all processes of a container",
    run: async () => (await import("./simple-commands.ts")).pauseCommand,
  },
  {
    name: "resume",
    usage: "ID",
    summary: "Let them go on",
    run: async () => (await import("./simple-commands.ts")).resumeCommand,
  },
  {
    name: "update",
    usage: "[OPTIONS] ID",
    summary: "Change the limits of a container",
    flags: async () => (await import("./update-command.ts")).updateFlags,
    run: async () => (await import("./update-command.ts")).updateCommand,
  },
  {
    name: "events",
    usage: "[OPTIONS] ID",
    summary: "Show what a container uses, and when it runs out of memory",
    flags: async () => (await import("./events-command.ts")).eventsFlags,
    run: async () => (await import("./events-command.ts")).eventsCommand,
  },
  {
    name: "checkpoint",
    usage: "[OPTIONS] ID",
    summary: "Save the processes of a container to files",
    flags: async () => (await import("./checkpoint-command.ts")).checkpointFlags,
    run: async () => (await import("./checkpoint-command.ts")).checkpointCommand,
  },
  {
    name: "restore",
    usage: "[OPTIONS] ID",
    summary: "Make a container from such files, which goes on where it was",
    flags: async () => (await import("./restore-command.ts")).restoreFlags,
    run: async () => (await import("./restore-command.ts")).restoreCommand,
  },
  {
    name: "features",
    usage: "",
    summary: "Show as JSON what this runtime can do",
    run: async () => (await import("./document-commands.ts")).featuresCommand,
  },
  {
    name: "spec",
    usage: "[OPTIONS]",
    summary: "Write a configuration to begin with: config.json",
    flags: async () => (await import("./document-commands.ts")).specFlags,
    run: async () => (await import("./document-commands.ts")).specCommand,
  },
];
