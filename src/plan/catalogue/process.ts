/** The operations of the catalogue: what the process is and may do. */

import { at, type Entry } from "../entry.ts";

export const process = {
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
  close_fds: {
    code: 51,
    calls: "close_range",
    man: "close_range(2)",
    gist: "Let no descriptor of the host through the next execve.",
    fields: { from: ["u32", "the first that does not pass"] },
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
} as const satisfies Readonly<Record<string, Entry>>;
