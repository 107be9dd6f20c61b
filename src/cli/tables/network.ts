/** Networks: how containers reach one another, and the world. */

import type { Command } from "../command.ts";

export const networkCommands: readonly Command[] = [
  {
    name: "network create",
    usage: "pivot network create [OPTIONS] NETWORK",
    summary: "Make a network",
    about:
      "Containers of it reach one another by their names. Without --subnet it gets addresses that nothing on this machine uses.",
    flags: async () => (await import("../network-change.ts")).createFlags,
    run: async () => (await import("../network-change.ts")).createCommand,
  },
  {
    name: "network ls",
    aliases: ["network list"],
    usage: "pivot network ls [OPTIONS]",
    summary: "List networks",
    flags: async () => (await import("../network-show.ts")).listFlags,
    run: async () => (await import("../network-show.ts")).listCommand,
  },
  {
    name: "network inspect",
    usage: "pivot network inspect [OPTIONS] NETWORK [NETWORK...]",
    summary: "Show what is known of networks, and who is connected",
    flags: async () => (await import("../network-show.ts")).inspectFlags,
    run: async () => (await import("../network-show.ts")).inspectCommand,
  },
  {
    name: "network connect",
    usage: "pivot network connect [OPTIONS] NETWORK CONTAINER",
    summary: "Connect a container to a network",
    about: "At once if it runs, and each time that it is started.",
    flags: async () => (await import("../network-connect.ts")).connectFlags,
    run: async () => (await import("../network-connect.ts")).connectCommand,
  },
  {
    name: "network disconnect",
    usage: "pivot network disconnect [OPTIONS] NETWORK CONTAINER",
    summary: "Disconnect a container from a network",
    flags: async () => (await import("../network-connect.ts")).disconnectFlags,
    run: async () => (await import("../network-connect.ts")).disconnectCommand,
  },
  {
    name: "network rm",
    aliases: ["network remove"],
    usage: "pivot network rm [OPTIONS] NETWORK [NETWORK...]",
    summary: "Remove networks",
    flags: async () => (await import("../network-change.ts")).removeFlags,
    run: async () => (await import("../network-change.ts")).removeCommand,
  },
  {
    name: "network prune",
    usage: "pivot network prune [OPTIONS]",
    summary: "Remove all networks that no container has",
    flags: async () => (await import("../network-change.ts")).pruneFlags,
    run: async () => (await import("../network-change.ts")).pruneCommand,
  },
];
