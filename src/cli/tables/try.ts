/** A copy-on-write view of this machine. */

import type { Command } from "../command.ts";

export const tryCommands: readonly Command[] = [
  {
    name: "try",
    answers: true,
    usage: "pivot try [OPTIONS] [-- COMMAND [ARG...]]",
    summary: "Run a command, or a shell, in a copy-on-write view of this machine",
    about: `The command sees the files of this machine at their own paths, as the same user, in the same
directory, with the same environment. What it writes or removes goes to the view alone: the
machine's own files stay as they are until \`pivot try apply\`.

  pivot try -- make install     try it
  pivot try diff -p             look at what it did
  pivot try apply src/          take over a part of it, or all
  pivot try discard             forget it

The view has its own processes, IPC, /dev, /proc and /run (so no socket of a daemon is in it), and a
/sys that cannot be written to. The network is the host's; --network none takes it away. Keys and
passwords in the home directory (.ssh, .gnupg, .aws, .azure, .config/gcloud, .config/gh,
.docker/config.json, .git-credentials, .kube, .netrc, .password-store) are covered; --show PATH
uncovers them. --share PATH shows a directory, file or socket as it is.

Of an ordinary user the directories that are theirs, /tmp and /var/tmp are in the view, and all else is
read-only; root has the whole machine.

Each call begins a new view; --name NAME goes on with the view NAME, or with that of a number.
The exit code is the command's.`,
    flags: async () => (await import("../try-flags.ts")).tryFlags,
    run: async () => (await import("../try.ts")).tryCommand,
  },
  {
    name: "try diff",
    usage: "pivot try diff [OPTIONS] [PATH...]",
    summary: "Show what a try changed",
    about: `One line for each: A made, M changed, D removed, T of another type; with a word on what is not the
content. Without PATH, changes below /tmp and /var/tmp are left out, unless the try was started there.`,
    flags: async () => (await import("../try-flags.ts")).diffFlags,
    run: async () => (await import("../try-changes.ts")).tryDiffCommand,
  },
  {
    name: "try apply",
    usage: "pivot try apply [OPTIONS] [PATH...]",
    summary: "Make what a try changed, or a part of it, real",
    about: `Nothing is applied when one of the files has changed on this machine since the try began, or when
one would run with others' rights (setuid, setgid, capabilities) or is a device. Each file appears as a
whole, with its mode, owner, attributes and times. Applied as a whole, the try is discarded.`,
    flags: async () => (await import("../try-flags.ts")).applyFlags,
    run: async () => (await import("../try-changes.ts")).tryApplyCommand,
  },
  {
    name: "try discard",
    usage: "pivot try discard [OPTIONS] [NAME...]",
    summary: "Forget the last try of this directory, or those of the names",
    flags: async () => (await import("../try-flags.ts")).discardFlags,
    run: async () => (await import("../try-store.ts")).tryDiscardCommand,
  },
  {
    name: "try ls",
    aliases: ["try list"],
    usage: "pivot try ls [OPTIONS]",
    summary: "List tries",
    flags: async () => (await import("../try-flags.ts")).listFlags,
    run: async () => (await import("../try-store.ts")).tryListCommand,
  },
];
