/**
 * The vocabulary of a plan: every kernel operation that pivot knows, each with its number on the
 * wire, the system calls it makes, its man page, a sentence for people, and its fields.
 *
 * The types of `op.ts`, the C header `native/plan.generated.h` and the documentation are made from
 * this one table. A number is never given to another operation: see `schema.test.ts`.
 */

import type { choices, flagSets } from "./constants.ts";

/** What a field holds, and so how it is written on the wire (see `executor/encode.ts`). */
export type Kind =
  | "bool"
  | "u32"
  | "u64"
  | "text"
  | "texts"
  | "bytes"
  /** A descriptor that an earlier step keeps under this name, or null. */
  | "slot"
  /** A path, and the descriptor below which it is resolved; or null. */
  | "place"
  | "capabilities"
  | `flags:${keyof typeof flagSets}`
  | `one:${keyof typeof choices}`;

export type Field = readonly [kind: Kind, gist: string];

export type Entry = {
  readonly code: number;
  /** The system calls, in order. */
  readonly calls: string;
  /** Where the calls are described. */
  readonly man: string;
  readonly gist: string;
  readonly fields: Readonly<Record<string, Field>>;
};

const at = (gist: string): readonly ["place", string] => ["place", gist];

export const catalogue = {
  // ── files on the host ──────────────────────────────────────────────────────────────────────
  mkdir: {
    code: 1,
    calls: "mkdirat",
    man: "mkdir(2)",
    gist: "Make a directory.",
    fields: {
      at: at("the directory; below a slot it is resolved inside that root"),
      mode: ["u32", "its permissions, whatever the umask"],
      parents: ["bool", "make missing parents too, and accept one that is there"],
    },
  },
  write: {
    code: 2,
    calls: "openat2, write",
    man: "write(2)",
    gist: "Write a whole file in one call, as procfs and cgroups want it.",
    fields: {
      at: at("the file; no symbolic link to another mount is followed below a slot"),
      text: ["text", "what is written"],
      how: ["one:writeMode", "whether the file must be there or must not"],
      mode: ["u32", "permissions of a new file, whatever the umask"],
    },
  },
  symlink: {
    code: 3,
    calls: "symlinkat",
    man: "symlink(2)",
    gist: "Make a symbolic link.",
    fields: {
      at: at("the link"),
      to: ["text", "what it says; never resolved here"],
    },
  },
  remove: {
    code: 4,
    calls: "unlinkat",
    man: "unlink(2)",
    gist: "Remove a file, or a directory with all below it; links are not followed.",
    fields: { at: at("what goes; not being there is no failure") },
  },
  remove_cgroup: {
    code: 5,
    calls: "kill, rmdir",
    man: "cgroups(7)",
    gist: "End what still runs in a cgroup and remove it with its children.",
    fields: { at: at("the cgroup's directory; not being there is no failure") },
  },
  device_filter: {
    code: 7,
    calls: "bpf BPF_PROG_LOAD, bpf BPF_PROG_ATTACH",
    man: "bpf(2)",
    gist: "Say by an eBPF program which devices the processes of a cgroup v2 may use.",
    fields: {
      cgroup: ["slot", "the cgroup's directory"],
      program: ["bytes", "an array of struct bpf_insn, of type BPF_PROG_TYPE_CGROUP_DEVICE"],
    },
  },
  write_pid: {
    code: 8,
    calls: "openat, write",
    man: "write(2)",
    gist: "Write the process id of the container's first process to a new file.",
    fields: {
      at: at("the file"),
      mode: ["u32", "its permissions"],
    },
  },
  lock: {
    code: 9,
    calls: "openat, flock",
    man: "flock(2)",
    gist: "Lock a directory for as long as the executor lives: so others see that it is in use.",
    fields: { at: at("the directory") },
  },
  open: {
    code: 6,
    calls: "openat2",
    man: "openat2(2)",
    gist: "Open a file and keep its descriptor.",
    fields: {
      at: at("the file"),
      flags: ["flags:open", "how it is opened; always close-on-exec"],
      into: ["slot", "the name under which it is kept"],
    },
  },

  // ── namespaces ─────────────────────────────────────────────────────────────────────────────
  clone: {
    code: 10,
    calls: "clone3",
    man: "clone(2)",
    gist: "Start the container's first process in new namespaces; from here on there are two.",
    fields: {
      namespaces: ["flags:namespace", "which are new"],
      cgroup: ["slot", "a cgroup v2 directory in which it starts (CLONE_INTO_CGROUP)"],
      user: ["slot", "a user namespace to join first, which then owns the new ones"],
      proc: ["slot", "the name under which the process's /proc directory is kept"],
    },
  },
  setns: {
    code: 13,
    calls: "setns",
    man: "setns(2)",
    gist: "Join a namespace that is already there.",
    fields: {
      namespace: ["slot", "the namespace's file"],
      type: ["one:namespace", "which kind it must be"],
    },
  },
  unshare: {
    code: 14,
    calls: "unshare",
    man: "unshare(2)",
    gist: "Leave a namespace for a new one.",
    fields: { namespaces: ["flags:namespace", "which are new"] },
  },
  sethostname: {
    code: 15,
    calls: "sethostname",
    man: "sethostname(2)",
    gist: "Name the machine that the container sees.",
    fields: { name: ["text", "at most 64 bytes"] },
  },
  setdomainname: {
    code: 16,
    calls: "setdomainname",
    man: "setdomainname(2)",
    gist: "Set the NIS domain name that the container sees.",
    fields: { name: ["text", "at most 64 bytes"] },
  },
  interface_up: {
    code: 17,
    calls: "ioctl SIOCSIFFLAGS",
    man: "netdevice(7)",
    gist: "Switch a network interface on.",
    fields: { name: ["text", "the interface"] },
  },

  move_interface: {
    code: 68,
    calls: "rtnetlink RTM_NEWLINK, RTM_NEWADDR",
    man: "rtnetlink(7)",
    gist: "Give a network device of the host to the container, with its permanent addresses.",
    fields: {
      name: ["text", "its name on the host"],
      to: ["text", "its name inside; `%d` stands for the first number that is free"],
    },
  },

  // ── mounts ─────────────────────────────────────────────────────────────────────────────────
  mount: {
    code: 20,
    calls: "fsopen, fsconfig, fsmount, move_mount",
    man: "mount(2)",
    gist: "Mount a new file system; it is attached last, with its flags already in force.",
    fields: {
      type: ["text", "the file system"],
      source: ["text", "what mountinfo shows as its source"],
      options: ["texts", "the file system's own options, `name=value` or `name`"],
      attributes: ["flags:mountAttribute", "the mount's own flags"],
      at: at("where it is attached; null leaves it detached"),
      create: ["one:targetKind", "what is asked of the target"],
      into: ["slot", "the name under which its root is kept"],
    },
  },
  bind: {
    code: 21,
    calls: "open_tree, mount_setattr, move_mount",
    man: "open_tree(2)",
    gist: "Show a directory or file in a second place; attached last, with its flags in force.",
    fields: {
      from: at("what is shown"),
      recursive: ["bool", "with the mounts below it"],
      attributes: ["flags:mountAttribute", "flags that are set"],
      clear: ["flags:mountAttribute", "flags that are taken away"],
      deep_attributes: ["flags:mountAttribute", "set on it and on all mounts below it"],
      deep_clear: ["flags:mountAttribute", "taken away from it and from all mounts below it"],
      propagation: ["one:propagation", "how later mounts travel across it"],
      deep_propagation: ["bool", "the same for all mounts below it"],
      at: at("where it is attached; null leaves it detached"),
      create: ["one:targetKind", "what is asked of the target"],
      into: ["slot", "the name under which its root is kept"],
    },
  },
  borrow: {
    code: 33,
    calls: "fork, setns, openat2, open_tree, sendmsg",
    man: "open_tree(2)",
    gist: "Take a copy of a mount out of another mount namespace, detached.",
    fields: {
      namespace: ["slot", "the mount namespace's file"],
      path: ["text", "what is shown, as processes of that namespace see it"],
      attributes: ["flags:mountAttribute", "flags that are set"],
      into: ["slot", "the name under which it is kept"],
    },
  },
  attach: {
    code: 22,
    calls: "move_mount",
    man: "move_mount(2)",
    gist: "Attach a detached mount.",
    fields: {
      mount: ["slot", "the detached mount"],
      at: at("where it is attached"),
      create: ["one:targetKind", "what is asked of the target"],
    },
  },
  mount_setattr: {
    code: 23,
    calls: "mount_setattr",
    man: "mount_setattr(2)",
    gist: "Change the flags or the propagation of a mount that is there.",
    fields: {
      at: at("the mount"),
      attributes: ["flags:mountAttribute", "flags that are set"],
      clear: ["flags:mountAttribute", "flags that are taken away"],
      propagation: ["one:propagation", "how later mounts travel across it"],
      recursive: ["bool", "the mounts below it too"],
    },
  },
  mask: {
    code: 24,
    calls: "open_tree, move_mount, statx",
    man: "proc(5)",
    gist: "Cover a path: a file by /dev/null, a directory by an empty one; then look that it is so.",
    fields: {
      at: at("what is covered; not being there is no failure"),
      null: at("the container's /dev/null, which must be the device 1:3"),
      empty: at("an empty, read-only directory"),
    },
  },
  readonly: {
    code: 25,
    calls: "open_tree, mount_setattr, move_mount, fstatvfs",
    man: "mount_setattr(2)",
    gist: "Make a path read-only with all mounts below it; then look that it is so.",
    fields: { at: at("the path; not being there is no failure") },
  },
  mknod: {
    code: 26,
    calls: "mknodat, fchownat, fchmodat",
    man: "mknod(2)",
    gist: "Make a device node.",
    fields: {
      at: at("the node"),
      type: ["one:nodeType", "character, block or fifo"],
      major: ["u32", "the driver"],
      minor: ["u32", "the device"],
      mode: ["u32", "permissions, whatever the umask"],
      uid: ["u32", "owner"],
      gid: ["u32", "group"],
      accept: ["bool", "a node that is there already and is this device will do"],
    },
  },
  pivot_root: {
    code: 27,
    calls: "pivot_root",
    man: "pivot_root(2)",
    gist: "Make new_root the root of the mount namespace and move the old root to put_old.",
    fields: {
      new_root: ["text", "a mount point"],
      put_old: ["text", "at or below new_root"],
    },
  },
  umount: {
    code: 28,
    calls: "umount2",
    man: "umount2(2)",
    gist: "Take a mount away.",
    fields: {
      target: ["text", "relative to the working directory"],
      flags: ["flags:umount", "detach: at once, with all below it, busy or not"],
    },
  },
  move: {
    code: 29,
    calls: "mount MS_MOVE",
    man: "mount(2)",
    gist: "Move a mount to another place.",
    fields: {
      from: ["text", "relative to the working directory"],
      to: ["text", "where it goes"],
    },
  },
  chroot: {
    code: 30,
    calls: "chroot",
    man: "chroot(2)",
    gist: "Start look-ups of `/` at another directory; what lies outside stays mounted.",
    fields: { path: ["text", "relative to the working directory"] },
  },
  chdir: {
    code: 31,
    calls: "fchdir, getcwd",
    man: "chdir(2)",
    gist: "Go to a directory, and look that it lies inside the root.",
    fields: { at: at("the directory") },
  },
  console: {
    code: 32,
    calls: "open ptmx, ioctl TIOCGPTPEER, fchown, open_tree, move_mount",
    man: "pty(7)",
    gist: "Make a terminal in the container's own devpts and hand its other end to the executor.",
    fields: {
      devpts: ["slot", "the container's devpts"],
      at: at("where the terminal is shown, /dev/console"),
      uid: ["u32", "its owner"],
      rows: ["u32", "its height in characters; 0, as the next: the caller's terminal's"],
      columns: ["u32", "its width"],
    },
  },

  // ── the process ────────────────────────────────────────────────────────────────────────────
  pipes: {
    code: 40,
    calls: "pipe2",
    man: "pipe(2)",
    gist: "Make the pipes for the standard streams that the executor copies.",
    fields: {
      stdin: ["one:stream", "where standard input comes from"],
      stdout: ["one:stream", "where standard output goes"],
      stderr: ["one:stream", "where standard error goes"],
    },
  },
  stdio: {
    code: 41,
    calls: "dup3",
    man: "dup(2)",
    gist: "Take up the standard streams.",
    fields: {
      stdin: ["one:stream", "where standard input comes from"],
      stdout: ["one:stream", "where standard output goes"],
      stderr: ["one:stream", "where standard error goes"],
      null: at("the container's /dev/null"),
    },
  },
  setsid: {
    code: 42,
    calls: "setsid, ioctl TIOCSCTTY",
    man: "setsid(2)",
    gist: "Start a session of its own, so that no terminal of the host can be written to.",
    fields: { terminal: ["bool", "make standard input its controlling terminal"] },
  },
  setrlimit: {
    code: 43,
    calls: "prlimit64",
    man: "getrlimit(2)",
    gist: "Limit what the process may use.",
    fields: {
      resource: ["one:resourceLimit", "which"],
      soft: ["u64", "the limit in force"],
      hard: ["u64", "what it may be raised to"],
    },
  },
  umask: {
    code: 44,
    calls: "umask",
    man: "umask(2)",
    gist: "Say which permissions new files do not get.",
    fields: { mask: ["u32", "the bits"] },
  },
  personality: {
    code: 45,
    calls: "personality",
    man: "personality(2)",
    gist: "Choose the execution domain.",
    fields: { persona: ["u32", "the kernel's number"] },
  },
  set_user: {
    code: 46,
    calls: "setgroups, setresgid, setresuid",
    man: "credentials(7)",
    gist: "Become a user; names are looked up in the container's own /etc/passwd and /etc/group.",
    fields: {
      user: ["text", "a name or a number"],
      group: ["text", "a name or a number; empty: the user's own"],
      groups: ["texts", "additional groups, names or numbers"],
      lookup: ["bool", "read /etc/passwd and /etc/group, for additional groups and HOME too"],
    },
  },
  capbset: {
    code: 47,
    calls: "prctl PR_CAPBSET_DROP",
    man: "capabilities(7)",
    gist: "Give up for good the capabilities outside a set.",
    fields: { keep: ["capabilities", "the bounding set"] },
  },
  capset: {
    code: 48,
    calls: "capset, prctl PR_CAP_AMBIENT",
    man: "capset(2)",
    gist: "Set the capabilities in force.",
    fields: {
      effective: ["capabilities", "in force now"],
      permitted: ["capabilities", "may be put in force"],
      inheritable: ["capabilities", "kept by files that ask for them"],
      ambient: ["capabilities", "kept by any program"],
    },
  },
  no_new_privs: {
    code: 49,
    calls: "prctl PR_SET_NO_NEW_PRIVS",
    man: "PR_SET_NO_NEW_PRIVS(2const)",
    gist: "Let no program gain privileges by being executed.",
    fields: {},
  },
  seccomp: {
    code: 50,
    calls: "seccomp SECCOMP_SET_MODE_FILTER",
    man: "seccomp(2)",
    gist: "Filter system calls from here on.",
    fields: {
      flags: ["u32", "SECCOMP_FILTER_FLAG bits"],
      program: ["bytes", "an array of struct sock_filter"],
    },
  },
  seccomp_agent: {
    code: 69,
    calls: "connect, pidfd_getfd, sendmsg",
    man: "seccomp_unotify(2)",
    gist: "Connect to the program that the filter is to ask, and hand it the filter once it is there.",
    fields: {
      path: ["text", "its socket"],
      state: ["texts", "what it is told: pieces of JSON with the container's pid between them"],
    },
  },
  close_fds: {
    code: 51,
    calls: "close_range",
    man: "close_range(2)",
    gist: "Let no descriptor of the host through the next execve.",
    fields: { from: ["u32", "the first that does not pass"] },
  },
  init: {
    code: 52,
    calls: "fork, wait4",
    man: "pid_namespaces(7)",
    gist: "Stay as process 1, which reaps orphans and passes signals on; a child goes on.",
    fields: {},
  },
  exec: {
    code: 53,
    calls: "execve",
    man: "execve(2)",
    gist: "Become the program.",
    fields: {
      paths: ["texts", "tried in order until one is there"],
      argv: ["texts", "its arguments, its own name first"],
      env: ["texts", "its environment, `NAME=value`"],
    },
  },
  supervise: {
    code: 54,
    calls: "poll, waitid",
    man: "pidfd_open(2)",
    gist: "Wait for the container's end; until then copy its streams and pass signals on.",
    fields: {
      signals: ["bool", "pass the executor's own signals on"],
      parent: ["bool", "end the container when the executor's parent ends"],
      status: at("a new file for the exit code; null: none"),
    },
  },
  user_namespace: {
    code: 64,
    calls: "fork, unshare, openat, write",
    man: "user_namespaces(7)",
    gist: "Make a user namespace in which nobody lives, for the sake of its maps.",
    fields: {
      uid_map: ["text", "lines of an id inside, an id outside, and how many"],
      gid_map: ["text", "the same for groups"],
      into: ["slot", "the name under which it is kept"],
    },
  },
  idmap: {
    code: 65,
    calls: "mount_setattr MOUNT_ATTR_IDMAP",
    man: "mount_setattr(2)",
    gist: "Show the files of a detached mount with other owners: those of a user namespace's maps.",
    fields: {
      mount: ["slot", "the detached mount"],
      namespace: ["slot", "the user namespace's file"],
      recursive: ["bool", "the mounts below it too"],
    },
  },
  reconfigure: {
    code: 66,
    calls: "fspick, fsconfig",
    man: "fspick(2)",
    gist: "Give a file system that is mounted already other options.",
    fields: {
      at: at("its mount point"),
      options: ["texts", "the file system's own options, `name=value` or `name`"],
    },
  },
  copy_up: {
    code: 67,
    calls: "openat2, mkdirat, sendfile, linkat, mknodat, fchown, fsetxattr",
    man: "tmpfs(5)",
    gist: "Copy a directory with all that is in it, but for other mounts, into an empty one.",
    fields: {
      from: at("the directory; not being there is no failure"),
      to: ["slot", "a detached mount that nobody else can reach"],
      mode: ["bool", "the copy's root gets the directory's permissions"],
      owner: ["bool", "and its owner"],
    },
  },
  scheduler: {
    code: 60,
    calls: "sched_setattr",
    man: "sched_setattr(2)",
    gist: "Say by which rules the container's first process gets its time on the processor.",
    fields: {
      policy: ["one:schedulerPolicy", "the rules"],
      flags: ["flags:schedulerFlag", "more of them"],
      nice: ["u32", "-20 to 19 as a two's complement, for SCHED_OTHER and SCHED_BATCH"],
      priority: ["u32", "1 to 99, for SCHED_FIFO and SCHED_RR"],
      runtime: ["u64", "nanoseconds in each period, for SCHED_DEADLINE"],
      deadline: ["u64", "nanoseconds from the period's start until they have been had"],
      period: ["u64", "nanoseconds"],
    },
  },
  io_priority: {
    code: 61,
    calls: "ioprio_set",
    man: "ioprio_set(2)",
    gist: "Say which place the container's first process has in the queue for disks.",
    fields: {
      class: ["one:ioClass", "the queue"],
      priority: ["u32", "0, the first, to 7"],
    },
  },
  memory_policy: {
    code: 62,
    calls: "set_mempolicy",
    man: "set_mempolicy(2)",
    gist: "Say from which nodes the process gets its memory.",
    fields: {
      mode: ["one:memoryPolicy", "how one is chosen"],
      flags: ["flags:memoryPolicyFlag", "what the numbers of the nodes mean"],
      nodes: ["bytes", "a mask, the lowest number first; empty: none"],
    },
  },
  sched_affinity: {
    code: 63,
    calls: "sched_setaffinity",
    man: "sched_setaffinity(2)",
    gist: "Say on which processors the process may run.",
    fields: { cpus: ["bytes", "a mask, the lowest number first"] },
  },
  pause: {
    code: 55,
    calls: "kill SIGSTOP",
    man: "signal(7)",
    gist: "Stop here until somebody says go on.",
    fields: {},
  },
} as const satisfies Readonly<Record<string, Entry>>;

export type Catalogue = typeof catalogue;
export type OpName = keyof Catalogue;
