/** The engine as a whole. */

import { type Command, noFlags } from "../command.ts";

export const systemCommands: readonly Command[] = [
  {
    name: "system prune",
    usage: "pivot system prune",
    summary: "Remove what ended or killed containers have left behind",
    flags: noFlags,
    run: async () => (await import("../system-prune.ts")).systemPruneCommand,
  },
  {
    name: "version",
    usage: "pivot version [OPTIONS]",
    summary: "Show the version",
    flags: async () => (await import("../version.ts")).versionFlags,
    run: async () => (await import("../version.ts")).versionCommand,
  },
];
