/** Volumes: directories that outlive containers. */

import type { Command } from "../command.ts";

export const volumeCommands: readonly Command[] = [
  {
    name: "volume create",
    usage: "pivot volume create [OPTIONS] [NAME]",
    summary: "Make a volume",
    about: "Without a name it gets one of 64 digits. One that is there already stays as it is.",
    flags: async () => (await import("../volume-change.ts")).createFlags,
    run: async () => (await import("../volume-change.ts")).createCommand,
  },
  {
    name: "volume ls",
    aliases: ["volume list"],
    usage: "pivot volume ls [OPTIONS]",
    summary: "List volumes",
    flags: async () => (await import("../volume-show.ts")).listFlags,
    run: async () => (await import("../volume-show.ts")).listCommand,
  },
  {
    name: "volume inspect",
    usage: "pivot volume inspect [OPTIONS] VOLUME [VOLUME...]",
    summary: "Show what is known of volumes",
    flags: async () => (await import("../volume-show.ts")).inspectFlags,
    run: async () => (await import("../volume-show.ts")).inspectCommand,
  },
  {
    name: "volume rm",
    aliases: ["volume remove"],
    usage: "pivot volume rm [OPTIONS] VOLUME [VOLUME...]",
    summary: "Remove volumes with all that is in them",
    about: "One that a container uses, running or not, stays: remove the container first.",
    flags: async () => (await import("../volume-change.ts")).removeFlags,
    run: async () => (await import("../volume-change.ts")).removeCommand,
  },
  {
    name: "volume prune",
    usage: "pivot volume prune [OPTIONS]",
    summary: "Remove anonymous volumes that no container uses",
    flags: async () => (await import("../volume-change.ts")).pruneFlags,
    run: async () => (await import("../volume-change.ts")).pruneCommand,
  },
];
