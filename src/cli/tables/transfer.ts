/** What is in a container's root, in and out of it. */

import { type Command, noFlags } from "../command.ts";

export const transferCommands: readonly Command[] = [
  {
    name: "cp",
    aliases: ["container cp"],
    usage:
      "pivot cp [OPTIONS] CONTAINER:SRC_PATH DEST_PATH|-\n        pivot cp [OPTIONS] SRC_PATH|- CONTAINER:DEST_PATH",
    summary: "Copy files between a container and this machine",
    about: `Works on containers that run and that do not. Paths in a container start at its root.

  SRC_PATH is   DEST_PATH is           what happens
  a file        not there              a file of that name is made
                not there, ends in /   an error
                a file                 it is replaced
                a directory            it is copied into it
  a directory   not there              one of that name is made with its content
                a file                 an error
                a directory            it is copied into it;
                                       of SRC_PATH/. only the content

The directory above DEST_PATH must be there. With - for a path an archive (tar) is read from
standard input or written to standard output. What is copied belongs to root in a container and to
you on this machine, unless -a says to keep it as it is.`,
    flags: async () => (await import("../cp.ts")).copyFlags,
    run: async () => (await import("../cp.ts")).copyCommand,
  },
  {
    name: "diff",
    aliases: ["container diff"],
    usage: "pivot diff CONTAINER",
    summary: "Show what a container has changed of its image",
    about: "A is added, C is changed, D is deleted.",
    flags: noFlags,
    run: async () => (await import("../transfer-commands.ts")).diffCommand,
  },
  {
    name: "export",
    aliases: ["container export"],
    usage: "pivot export [OPTIONS] CONTAINER",
    summary: "Write a container's whole root as an archive (tar)",
    about: "Without volumes and whatever else is mounted in it.",
    flags: async () => (await import("../transfer-commands.ts")).exportFlags,
    run: async () => (await import("../transfer-commands.ts")).exportCommand,
  },
  {
    name: "commit",
    aliases: ["container commit"],
    usage: "pivot commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    summary: "Make an image of a container",
    flags: async () => (await import("../transfer-commands.ts")).commitFlags,
    run: async () => (await import("../transfer-commands.ts")).commitCommand,
  },
];
