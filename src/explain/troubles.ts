/** What an errno means when a step of ours meets it: the usual causes, and what to do. */

import { catalogue } from "../plan/catalogue.ts";
import { describeErrno, errnoNumber } from "../plan/errno.ts";

type Trouble = {
  /** Steps in which people meet it most. */
  readonly steps: readonly (keyof typeof catalogue)[];
  readonly means: string;
  /** A cause, and what to do about it. */
  readonly causes: readonly (readonly [cause: string, cure: string])[];
};

/** By name, in the order of their numbers. */
export const troubles: Readonly<Record<string, Trouble>> = {
  EPERM: {
    steps: ["clone", "mount", "unshare", "mount_setattr", "mask", "setrlimit", "capset"],
    means:
      "The kernel looked at who asks, and not at what is asked for: a capability is missing, or it counts in the wrong user namespace.",
    causes: [
      ["a user namespace is forbidden here", "`pivot doctor` names the rule, and what to do."],
      [
        "a container, or a service manager, has taken CAP_SYS_ADMIN away from whoever runs pivot",
        "Look at `CapEff` in /proc/self/status, and run pivot where it is not.",
      ],
      [
        "a fresh proc or sysfs in a user namespace, on a machine where the old one is partly covered",
        "Run pivot outside of the container that covers it, or in one with `--security-opt systempaths=unconfined`.",
      ],
      [
        "`mount_setattr`: the mount came from a more privileged namespace, with flags that are locked",
        "Repeat its flags: ro, nosuid, nodev, noexec and those of access times.",
      ],
      [
        "`mask`: the /dev/null of the image is not the device 1:3",
        "Let /dev be a file system of its own, or mend the image: this is how masks were escaped (CVE-2025-31133).",
      ],
      ["`setrlimit`: the caller's own hard limit is lower", "Raise that, or ask for less."],
    ],
  },
  ENOENT: {
    steps: ["exec", "bind", "chdir", "write", "attach", "open"],
    means:
      "A part of a path is not there. The line says which step, and so in whose root the path was looked up.",
    causes: [
      [
        "`exec`: the image has no such program, or its interpreter or loader is missing",
        "Look with `pivot run IMAGE ls -l /bin`; a program linked against glibc does not start in an image of musl.",
      ],
      [
        "`bind`: the source is not on the host",
        "Mind that `--mount` wants it to be there, while `-v` makes a directory.",
      ],
      [
        "`write` to /proc or /sys: this kernel does not have the setting",
        "Leave the option out, or take a kernel that has it.",
      ],
      [
        "`write` to attr/apparmor/exec: no profile of this name is loaded",
        "Load it with apparmor_parser, or say `--security-opt apparmor=unconfined`.",
      ],
      [
        "layers of the store were removed by hand",
        "`pivot system check --repair` finds and mends that.",
      ],
    ],
  },
  ESRCH: {
    steps: ["process", "signal", "borrow_root", "setns"],
    means: "The process has ended.",
    causes: [
      [
        "the container ended between the look and the call",
        "`pivot ps -a` says how it ended, `pivot logs` what it said.",
      ],
    ],
  },
  EINTR: {
    steps: ["supervise", "clone"],
    means: "A signal ended the making of the container. What was made is undone.",
    causes: [["^C, or a service that stops pivot", "Nothing: start it again."]],
  },
  E2BIG: {
    steps: ["exec", "set_user"],
    means:
      "Arguments and environment together are larger than the kernel takes (execve(2)), or there are too many groups.",
    causes: [["a large variable of `--env-file`", "Give it as a file: `-v FILE:/run/FILE:ro`."]],
  },
  ENOEXEC: {
    steps: ["exec"],
    means: "The file is executable, but of no format that this kernel runs.",
    causes: [
      [
        "an image for another architecture",
        "Pull it with `--platform`, or register qemu in binfmt_misc.",
      ],
      ["a script without `#!`", "Add the line, or run it by its shell: `sh SCRIPT`."],
    ],
  },
  EBADF: {
    steps: ["open", "attach", "close_fds"],
    means:
      "A descriptor is closed that should be open: with `--preserve-fds`, one that the caller promised.",
    causes: [
      ["fewer descriptors were handed over than `--preserve-fds` says", "Count them from 3 on."],
    ],
  },
  ECHILD: {
    steps: ["clone", "start", "take_part", "borrow"],
    means:
      "The container's first process, or one that looks into another container, has ended before it was done. The line says which.",
    causes: [
      ["the kernel has killed it, since its memory limit is too low to start", "Raise `--memory`."],
      ["somebody has killed it", "Start it again."],
      ["`start`: nobody waits for the start any more", "Delete the container, and create it anew."],
    ],
  },
  EAGAIN: {
    steps: ["clone", "lock", "hook"],
    means: "There is not enough of something right now.",
    causes: [
      [
        "the limit of processes, of the user (`ulimit -u`) or of a cgroup (pids.max)",
        "Raise it, or end processes.",
      ],
      ["`lock`: another command works on the same container", "Wait for its end."],
    ],
  },
  ENOMEM: {
    steps: ["clone", "mount", "exec"],
    means: "The kernel has no memory for it, or the cgroup may have none.",
    causes: [
      ["`--memory` is lower than what a start takes", "Give it some megabytes more."],
      ["the pid namespace that is joined has ended", "Start the container that owns it."],
    ],
  },
  EACCES: {
    steps: ["exec", "bind", "open", "write", "mount"],
    means: "Permissions of a file or directory, or a security module, forbid it.",
    causes: [
      [
        "`exec`: the file is not executable, lies on a mount with noexec, or is a directory",
        "chmod +x, or mount it without noexec.",
      ],
      [
        "a user namespace whose root may not reach the directory",
        "Open the directories above it to others: chmod o+x.",
      ],
      [
        "SELinux or AppArmor; of `mount` and its kin a profile around pivot, such as docker's for containers",
        "Look into the audit log, and label what is mounted: `:z` or `:Z` behind a `-v`; start the container around with `--security-opt apparmor=unconfined`.",
      ],
    ],
  },
  EBUSY: {
    steps: ["pivot_root", "remove_cgroup", "umount", "mount"],
    means: "It is in use, or it is already so.",
    causes: [
      [
        "`pivot_root`: new_root lies on the current root's own mount",
        "new_root has to be a mount of its own: mount --bind NEW_ROOT NEW_ROOT.",
      ],
      ["`remove_cgroup`: processes are still in the cgroup", "`pivot system prune` tries again."],
      [
        "`mount`: this very file system is mounted there, or its device is in use with other flags",
        "Look at /proc/self/mountinfo.",
      ],
    ],
  },
  EEXIST: {
    steps: ["mkdir", "symlink", "write", "move_interface", "mknod"],
    means: "There is something of that name already, and it is not for us to replace.",
    causes: [
      ["a container of this name or id", "`pivot ps -a`; choose another name, or `pivot rm` it."],
      ["a crash has left it", "`pivot system prune` removes what nothing uses."],
    ],
  },
  EXDEV: {
    steps: ["mask", "chdir", "mount"],
    means: "A path led out of where it has to stay.",
    causes: [
      [
        "`chdir`: the working directory lies outside of the root",
        "Mend process.cwd, or WORKDIR of the image: this is the way of CVE-2024-21626.",
      ],
      [
        "`mask`: what lies there now is not the cover that was just put there",
        "Somebody moves mounts or links meanwhile: do not share that root with a container that runs.",
      ],
    ],
  },
  ENODEV: {
    steps: ["mount", "move_interface"],
    means: "The kernel has no such file system, or the host no such network device.",
    causes: [
      [
        "a module is not loaded or not built",
        "modprobe it; /proc/filesystems lists what there is.",
      ],
    ],
  },
  ENOTDIR: {
    steps: ["mount", "attach", "chdir", "exec"],
    means: "A file stands where a directory is needed, or the other way round.",
    causes: [
      [
        "`attach`, `mount`: the image has a file where something is mounted that is a directory",
        "A directory goes on a directory, and a file on a file: name another place.",
      ],
    ],
  },
  EISDIR: {
    steps: ["write", "exec"],
    means: "A directory stands where a file is needed.",
    causes: [
      ["`exec`: the command names a directory", "Name the program in it."],
      [
        "a missing file was bound by `-v`, which made a directory of its name",
        "Remove that directory, and make the file first.",
      ],
    ],
  },
  EINVAL: {
    steps: ["pivot_root", "mount", "attach", "mount_setattr", "setns", "idmap", "write"],
    means:
      "The kernel has many rules for which it has only this one word. Where it left some in its log, the line ends with them.",
    causes: [
      ["does not exist in its user namespace", "Give more in /etc/subuid and /etc/subgid."],
      [
        "`pivot_root`: the root is an initramfs, which is attached to nothing",
        "`--root-switch move`.",
      ],
      [
        "`pivot_root`: new_root, or what it is attached to, is shared or is no mount point",
        "A plan of pivot sees to both; by hand: mount --make-rprivate /, mount --bind NEW_ROOT NEW_ROOT.",
      ],
      [
        "`mount` of an overlay: upper and work directory are on different file systems, or on an overlay themselves",
        "Put `--root` on a disk or tmpfs of its own; dmesg says more.",
      ],
      [
        "`mount`: an option that this file system does not know",
        "The name of the option stands in the line.",
      ],
      ["`setns`: the file is no namespace of this kind", "Look at `ls -l /proc/PID/ns`."],
      [
        "`idmap`: the file system cannot show other owners",
        "Leave the mapping out, or take a file system that can: ext4, xfs, btrfs, tmpfs.",
      ],
    ],
  },
  EMFILE: {
    steps: ["open", "clone"],
    means: "Too many descriptors are open.",
    causes: [["a low `ulimit -n` of the caller", "Raise it: pivot needs some dozens."]],
  },
  ENOSPC: {
    steps: ["mkdir", "write", "clone", "copy_up", "fill"],
    means: "The disk is full, or a limit of namespaces or cgroups is reached.",
    causes: [
      [
        "the disk",
        "`pivot system df` says what takes it, `pivot system prune` gives back what nothing uses.",
      ],
      ["`clone`, `unshare`: user.max_*_namespaces", "See /proc/sys/user."],
      [
        "cgroup v1: cpuset.cpus or cpuset.mems is empty in the parent cgroup",
        "Write what the parent may give: cat cpuset.effective_cpus.",
      ],
    ],
  },
  EROFS: {
    steps: ["mkdir", "attach", "write", "readonly"],
    means: "The file system, or this mount of it, is read-only.",
    causes: [
      [
        "a mount point is missing in a root that is read-only",
        "Make it in the image, or give the root a writable layer.",
      ],
      [
        "/sys/fs/cgroup is read-only where pivot runs, as inside other containers",
        "Run pivot on the host, or in a container that may write there.",
      ],
    ],
  },
  EPIPE: {
    steps: ["pipes", "supervise", "pack"],
    means: "Nobody reads any more what is written.",
    causes: [["the other end of a pipe has ended: `pivot logs | head`", "Nothing."]],
  },
  ENAMETOOLONG: {
    steps: ["listen", "attachable", "mkdir", "mount"],
    means:
      "A name has more than 255 bytes, a path more than 4095, or the path of a socket more than 107.",
    causes: [["a deep `--root` or `--runroot`", "Use a shorter one: /run/pivot."]],
  },
  ENOSYS: {
    steps: ["mount", "mount_setattr", "seccomp_agent"],
    means: "This kernel does not have the system call, or a filter says so.",
    causes: [
      ["a kernel before 5.12", "Take a later one."],
      [
        "pivot runs in a container whose seccomp filter does not know the new mount calls",
        "Run it without: `--security-opt seccomp=unconfined`.",
      ],
    ],
  },
  ENOTEMPTY: {
    steps: ["remove", "leave_volume"],
    means: "Something has come into a directory while it was removed.",
    causes: [["a process still writes there", "End it, and call `pivot system prune`."]],
  },
  ELOOP: {
    steps: ["mount", "attach", "mkdir", "write", "readonly"],
    means: "A symbolic link stands where none may, or links go in a circle.",
    causes: [
      [
        "/proc or /sys of the image is a link",
        "Use another image: nothing honest needs that (CVE-2023-27561).",
      ],
      [
        "an overlay whose layers lie within each other",
        "Choose a `--root` on another file system.",
      ],
    ],
  },
  EPROTO: {
    steps: ["take_part", "start", "seccomp_agent"],
    means: "Who answers at a socket does not speak as pivot does.",
    causes: [["two versions of pivot work on one container", "Start it anew by the new one."]],
  },
  EOPNOTSUPP: {
    steps: ["copy_up", "fill", "unpack", "pack", "network_setup"],
    means: "The file system, the archive or the kernel cannot do what is asked of it.",
    causes: [
      [
        "`--root` or a volume on a file system without extended attributes, such as vfat",
        "Take ext4, xfs, btrfs or tmpfs.",
      ],
      ["`pack`: a socket, which no archive can hold", "Name files beside it."],
      ["`network_setup`: there is no nf_tables", "`modprobe nf_tables`, or `--network pasta`."],
    ],
  },
  EADDRINUSE: {
    steps: ["reserve_port", "listen", "attachable"],
    means: "Somebody has this port, or this socket, already.",
    causes: [
      [
        "a program of this machine, or another container, serves the port",
        "Choose another by `-p`; `ss -lntp` says who has it.",
      ],
    ],
  },
  EADDRNOTAVAIL: {
    steps: ["reserve_port"],
    means: "The machine does not have this address.",
    causes: [["`-p ADDRESS:…` names an address of another machine", "Look at `ip address`."]],
  },
  ECONNREFUSED: {
    steps: ["take_part", "start", "seccomp_agent", "send_terminal"],
    means: "The socket's file is there, and nobody listens.",
    causes: [
      ["the container has ended", "`pivot ps -a`."],
      ["an agent or a console's keeper is not running", "Start it before the container."],
    ],
  },
  ECONNRESET: {
    steps: ["take_part"],
    means: "The container's monitor has hung up.",
    causes: [
      ["it was killed", "`pivot ps -a` says how the container fares."],
      [
        "this terminal took its output too slowly",
        "`pivot attach` again, or read `pivot logs -f`.",
      ],
    ],
  },
  ETIMEDOUT: {
    steps: ["hook", "lock", "signal"],
    means: "It took longer than it was given.",
    causes: [
      ["a hook that waits for something", "Its timeout stands in config.json."],
      ["a program that does not end by its signal", "`pivot stop -t`, or `pivot kill -s KILL`."],
    ],
  },
  ESTALE: {
    steps: ["remove"],
    means: "A file or directory was moved or replaced by somebody else while it was worked on.",
    causes: [
      [
        "files of a view (`pivot try`) change while they are compared or applied",
        "Let whoever changes them end, and do it again.",
      ],
    ],
  },
  ECANCELED: {
    steps: ["hook", "criu", "pasta", "egress_rules", "egress_guard"],
    means:
      "A program that a step has run ended with a failure, or by a signal; the line has its last words.",
    causes: [
      [
        "a hook of config.json",
        "Run it by hand: it reads the state of the container from standard input.",
      ],
      [
        "CRIU cannot save or bring back something that the processes use",
        "Read the log that the line names.",
      ],
      ["pasta(1), or nft(8), which says why", "The line has its words, and what helps."],
    ],
  },
};

const operation = (name: string): string => `[\`${name}\`](reference/operations.md#${name})`;

export function troublesPage(): string {
  const names = Object.keys(troubles).sort((a, b) => errnoNumber(a) - errnoNumber(b));
  return `${[
    "# Troubleshooting",
    "",
    "<!-- Made by `npm run docs:catalogue` from src/explain/troubles.ts. -->",
    "",
    "A step that fails is told in one line: what could not be done, which step of the plan it was with",
    "its decoded arguments, what the kernel answered, and what helps where that is known:",
    "",
    "```",
    "pivot: cannot mount proc on /proc (step 14 of 31, mount type=proc …): EPERM: Operation not permitted; …",
    "```",
    "",
    "`pivot explain --step N`, with the same words behind it, says what the step is for. This page goes by",
    "what the kernel answered.",
    ...names.flatMap((name) => {
      const { steps, means, causes } = troubles[name] ?? { steps: [], means: "", causes: [] };
      return [
        "",
        `## ${name}`,
        "",
        `*${describeErrno(errnoNumber(name)).slice(name.length + 2)}*, ${errnoNumber(name)}. Met most in ${steps.map(operation).join(", ")}.`,
        "",
        means,
        "",
        ...causes.map(
          ([cause, cure]) =>
            `- ${cause.startsWith("pivot ") ? cause : cause.charAt(0).toUpperCase() + cause.slice(1)}. ${cure}`,
        ),
      ];
    }),
  ].join("\n")}\n`;
}
