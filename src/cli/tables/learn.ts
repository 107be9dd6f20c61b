/** Seeing how containers are made, and trying what they are made of. */

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
  {
    name: "mountns",
    usage: "pivot mountns [OPTIONS] [FILE|-]",
    summary: "Try mount commands: in a simulator, or in namespaces that are thrown away",
    about: `Reads a script, or what you type, and says of each line what the kernel makes of it: nothing when it
goes well; else the error, the rule that was broken and what to do about it. Nothing of this machine
is changed, and no rights are needed.

  $ pivot mountns
  > mkdir -p /new/old
  > mount --bind /new /new
  > pivot_root /new /new/old

The commands are those of util-linux and the shell: mount (-t, -o, --bind, --rbind, --move,
--make-shared and its kin), umount (-l, -R), pivot_root, unshare (-m, -U, --propagation), nsenter -t pN
-m, chroot, cd, mkdir -p, touch, ln -s, rmdir, rm. \`mount\` or \`findmnt\` alone shows the table. A line
that begins with p2: is another process's, which is forked from the first when it is named; \`fork p3\`
and \`exit\` are there too. It begins with an empty file system at /, where all mounts are private.

With --kernel the same lines are system calls, in a user namespace and a mount namespace that end with
the command; there only what a user namespace may have can be mounted, such as tmpfs.`,
    flags: async () => (await import("../mountns-flags.ts")).mountnsFlags,
    run: async () => (await import("../mountns.ts")).mountnsCommand,
  },
];
