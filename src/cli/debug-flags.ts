/** The flags of `debug`: all of `run` but those of a container that goes on by itself. */

import type { Flag } from "./arguments.ts";
import { runFlags } from "./run-flags.ts";

const meaningless = new Set(["detach", "detach-keys", "restart", "cidfile", "attach"]);

export const debugFlags: readonly Flag[] = [
  ...runFlags
    .filter(({ name }) => !meaningless.has(name) && !name.startsWith("health-"))
    .map((flag) =>
      flag.name === "rm" ? { ...flag, help: "accepted: it is removed anyway" } : flag,
    ),
  {
    name: "record",
    value: "FILE",
    help: "do not stop: write a trace, with the mount tables after each step",
  },
];
