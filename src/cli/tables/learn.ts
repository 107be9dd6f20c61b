/** Commands for who wants to know how containers are made. */

import type { Command } from "../command.ts";

export const learnCommands: readonly Command[] = [
  {
    name: "explain",
    takesCommand: true,
    usage: "pivot explain [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Explain what `run` would do, step by step, and what each step is for",
    about: `Takes every option of \`run\`, and does nothing of it. Of each step it tells what is done and why, the system calls, the same as commands of util-linux and busybox, what it changes of the mounts, and what goes wrong without it.

  pivot explain --rm alpine sh | less
  pivot explain --only pivot_root alpine
  pivot explain --rm --format sh alpine echo hello > by-hand.sh`,
    flags: async () => (await import("../explain-flags.ts")).explainFlags,
    run: async () => (await import("../explain.ts")).explainCommand,
  },
];
