/** The engine as a whole. */

import { type Command, noFlags } from "../command.ts";

export const systemCommands: readonly Command[] = [
  {
    name: "inspect",
    usage: "pivot inspect [OPTIONS] NAME|ID [NAME|ID...]",
    summary: "Show all that is known of containers, images, networks and volumes",
    flags: async () => (await import("../inspect.ts")).inspectFlags,
    run: async () => (await import("../inspect.ts")).inspectCommand,
  },
  {
    name: "info",
    aliases: ["system info"],
    usage: "pivot info [OPTIONS]",
    summary: "Show what there is and what this machine can do",
    flags: async () => (await import("../info.ts")).infoFlags,
    run: async () => (await import("../info.ts")).infoCommand,
  },
  {
    name: "system df",
    usage: "pivot system df [OPTIONS]",
    summary: "Show how much is taken on the disk",
    about:
      "What is measured is on the disk: blobs and unpacked layers, each once, whoever shares them.",
    flags: async () => (await import("../system-df.ts")).systemDfFlags,
    run: async () => (await import("../system-df.ts")).systemDfCommand,
  },
  {
    name: "system check",
    usage: "pivot system check [OPTIONS]",
    summary: "Prove that the store of images is sound, and name what killed containers have left",
    about:
      "Reads every blob and compares every layer with what its blob unpacks to. Exits with 1 when something is not as it should be; --repair mends that, or removes it.",
    flags: async () => (await import("../system-check.ts")).systemCheckFlags,
    run: async () => (await import("../system-check.ts")).systemCheckCommand,
  },
  {
    name: "system prune",
    usage: "pivot system prune [OPTIONS]",
    summary: "Remove what nothing uses: containers, images, what killed ones have left",
    flags: async () => (await import("../system-prune.ts")).systemPruneFlags,
    run: async () => (await import("../system-prune.ts")).systemPruneCommand,
  },
  {
    name: "unshare",
    takesCommand: true,
    usage: "pivot unshare [COMMAND] [ARG...]",
    summary: "Run a command, or a shell, in the user namespace of an ordinary user's containers",
    about:
      "There you are root over your own files and those of your subordinate ids, as in your containers: pivot unshare rm -r DIR removes what containers wrote.",
    flags: noFlags,
    run: async () => (await import("../unshare.ts")).unshareCommand,
  },
  {
    name: "version",
    usage: "pivot version [OPTIONS]",
    summary: "Show the version",
    flags: async () => (await import("../version.ts")).versionFlags,
    run: async () => (await import("../version.ts")).versionCommand,
  },
];
