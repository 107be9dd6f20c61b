/** Containers: making, running, watching and ending them. */

import type { Command } from "../command.ts";

export const containerCommands: readonly Command[] = [
  {
    name: "run",
    aliases: ["container run"],
    usage: "pivot run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Run a command in a new container",
    flags: async () => (await import("../run-flags.ts")).runFlags,
    run: async () => (await import("../run.ts")).runCommand,
  },
  {
    name: "plan",
    usage: "pivot plan [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Show what `run` would do, step by step, without doing it",
    about: "Takes every option of `run`.",
    flags: async () => (await import("../plan-flags.ts")).planFlags,
    run: async () => (await import("../plan.ts")).planCommand,
  },
];
