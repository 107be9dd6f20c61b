/** What shows how a container is made, what it is, and what this machine can do for one. */

import type { Command } from "../command.ts";

export const learnCommands: readonly Command[] = [
  {
    name: "verify",
    usage: "pivot verify [OPTIONS] CONTAINER | pivot verify [OPTIONS] --pid N",
    summary: "Say what separates a running container, or any process, from the host",
    about: `Looks from outside, at a container of pivot's or at any other process: of docker, podman, runc,
crun, bubblewrap. Nothing in the container is run or opened.

  open   by this it reaches the host as if there were no container
  weak   a layer of protection is missing, the others hold
  note   worth knowing
  ok     it separates

Of a container of pivot's own it is also said whether it is what was planned: namespaces, mounts, masks,
capabilities and filter. The exit code is 0 when nothing is open, 1 when something is, and 125 when
nothing can be said.`,
    flags: async () => (await import("../verify.ts")).verifyFlags,
    run: async () => (await import("../verify.ts")).verifyCommand,
  },
];
