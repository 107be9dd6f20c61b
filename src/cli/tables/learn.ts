/** Seeing how it works: lessons, explanations, simulations. */

import type { Command } from "../command.ts";

export const learnCommands: readonly Command[] = [
  {
    name: "learn",
    usage: "pivot learn [OPTIONS]",
    summary: "Show lessons on mounts and pivot_root in the browser, and this machine's containers",
    about: `Prints an address on loopback that only who knows it gets an answer from, and serves the page until it is interrupted. The page shows the mount trees of running containers; it changes nothing.

On another machine: ssh -L 8080:127.0.0.1:8080 HOST pivot learn --port 8080`,
    flags: async () => (await import("../learn.ts")).learnFlags,
    run: async () => (await import("../learn.ts")).learnCommand,
  },
];
