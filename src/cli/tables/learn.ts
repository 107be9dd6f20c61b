/** What shows how a container is made, what it is, and what this machine can do for one. */

import type { Command } from "../command.ts";

export const learnCommands: readonly Command[] = [
  {
    name: "debug",
    answers: true,
    usage: "pivot debug [OPTIONS] IMAGE [COMMAND] [ARG...]",
    summary: "Make a real container one operation at a time",
    about: `Takes the options of \`run\`, and stops before each step of the plan. What is shown of mounts is the
kernel's own table, of the executor (parent) and of the container's first process (init), with what
changed since the last stop marked: + new, ~ changed, - gone.

  step, s [N]             do the next step, or N
  next, n                 do all steps of the one whose turn it is
  continue, c             go on to a breakpoint, or to the end
  break, b N|OPERATION    stop before step N, or before each such operation
  list, print, mounts, fds, shell, where, help, quit

Commands come from the terminal, or by standard input:

  printf '%s\\n' 'b pivot_root' c s 'm init' | pivot debug busybox true

Behind the step that filters system calls nothing stops but the program's end: with --security-opt
seccomp=unconfined there is no such step. With quit, at the end of the input, and when the debugger is killed, all is undone. Once
the program runs, the terminal is its own, and the exit code is the program's.`,
    takesCommand: true,
    flags: async () => (await import("../debug-flags.ts")).debugFlags,
    run: async () => (await import("../debug.ts")).debugCommand,
  },
  {
    name: "verify",
    answers: true,
    usage: "pivot verify [OPTIONS] CONTAINER|--pid N",
    summary: "Say what separates a running container from the host",
    about: `Looks from outside, at a container of pivot's or at any other process: of docker, podman, runc,
crun, bubblewrap. Nothing in the container is run or opened.

  open   by this it reaches the host as if there were no container
  weak   a layer of protection is missing, the others hold
  note   worth knowing
  ok     it separates

Of a container of pivot's own it is also said whether it is what was planned: namespaces, mounts, masks,
capabilities and filter; and where its mount table is not the one that the simulator predicts of its
plan, each difference. The exit code is 0 when nothing is open, 1 when something is, and 125 when
nothing can be said.`,
    flags: async () => (await import("../verify.ts")).verifyFlags,
    run: async () => (await import("../verify.ts")).verifyCommand,
  },
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
and \`p3: exit\` are there too. It begins with an empty file system at /, where all mounts are private.
At a terminal \`help\` lists all that, and \`exit\` ends it.

With --kernel the same lines are system calls, in a user namespace and a mount namespace that end with
the command; there only what a user namespace may have can be mounted, such as tmpfs.`,
    flags: async () => (await import("../mountns-flags.ts")).mountnsFlags,
    run: async () => (await import("../mountns.ts")).mountnsCommand,
  },
  {
    name: "doctor",
    usage: "pivot doctor [OPTIONS]",
    summary: "Say what this machine can do for containers",
    about: `What the kernel can do is tried, in namespaces that end with the try: nothing of the machine is
changed. Each lack comes with what of pivot depends on it, and with one command that cures it.

  fatal  without it there are no containers
  lack   a part of pivot does not work here
  note   worth knowing
  ok

The exit code is 1 when pivot cannot run containers at all.`,
    flags: async () => (await import("../doctor.ts")).doctorFlags,
    run: async () => (await import("../doctor.ts")).doctorCommand,
  },
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
