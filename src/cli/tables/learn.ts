/** Seeing how containers are made, and trying what they are made of. */

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
