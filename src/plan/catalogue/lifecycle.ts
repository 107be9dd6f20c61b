/** The operations of the catalogue: the moments of a container's life, and processes that are there already. */

import { at, type Entry } from "../entry.ts";

export const lifecycle = {
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
  listen: {
    code: 100,
    calls: "socket, bind, listen",
    man: "unix(7)",
    gist: "Make the socket by which a container that is only created is told to start.",
    fields: {
      at: at("the socket's file"),
      into: ["slot", "the name under which it is kept"],
    },
  },
  outlive: {
    code: 101,
    calls: "prctl PR_SET_PDEATHSIG",
    man: "PR_SET_PDEATHSIG(2const)",
    gist: "From here on the container does not end when the executor ends.",
    fields: {},
  },
  wait_start: {
    code: 102,
    calls: "accept4, recvmsg",
    man: "unix(7)",
    gist: "The container is created: wait until somebody says start.",
    fields: { socket: ["slot", "where that is said"] },
  },
  leave: {
    code: 103,
    calls: "exit_group",
    man: "pid_namespaces(7)",
    gist: "Leave the container to itself, and to who adopts its first process.",
    fields: {},
  },
  start: {
    code: 104,
    calls: "unlinkat, connect, sendmsg",
    man: "unix(7)",
    gist: "Say start to a created container and wait until its program runs.",
    fields: {
      at: at("its socket, which goes: nobody can say it twice"),
      of: at("the file with its first process, for what the hooks are told"),
    },
  },
  process: {
    code: 105,
    calls: "pidfd_open, read",
    man: "pidfd_open(2)",
    gist: "Take hold of a process: its pid may be another's later, the descriptor never is.",
    fields: {
      of: at("the file with its pid and when it began"),
      into: ["slot", "the name under which it is kept"],
    },
  },
  signal: {
    code: 106,
    calls: "pidfd_open, pidfd_send_signal, poll",
    man: "pidfd_send_signal(2)",
    gist: "Send a signal to a process, and to no other that may have its number by now.",
    fields: {
      of: at("the file with its pid and when it began"),
      signal: ["u32", "the signal's number"],
      wait: ["bool", "until it has ended"],
      required: ["bool", "its being gone is a failure"],
    },
  },
  signal_cgroup: {
    code: 107,
    calls: "kill",
    man: "cgroups(7)",
    gist: "Send a signal to every process of a cgroup and of those below it.",
    fields: {
      at: at("the cgroup's directory"),
      signal: ["u32", "its number"],
    },
  },
  freeze: {
    code: 108,
    calls: "write, read",
    man: "cgroups(7)",
    gist: "Stop every process of a cgroup, or let them go on, which one that is gone has no need of.",
    fields: {
      at: at("the cgroup's directory"),
      frozen: ["bool", "stop"],
    },
  },
  hook: {
    code: 109,
    calls: "fork, execve, poll, wait4",
    man: "execve(2)",
    gist: "Run a program of the configuration's author and wait for its end; it reads the state.",
    fields: {
      name: ["text", "which one it is, for people"],
      path: ["text", "the program"],
      argv: ["texts", "its arguments, its own name first"],
      env: ["texts", "its whole environment"],
      timeout: ["u32", "milliseconds until it is ended; 0: it is waited for"],
      before: ["text", "what it reads, up to the container's pid"],
      after: ["text", "and after it; empty: no pid is told"],
      required: ["bool", "its failure is the plan's"],
    },
  },
  due: {
    code: 110,
    calls: "none",
    man: "atexit(3)",
    gist: "From here on something has to be done at the end: what undoes this step.",
    fields: {},
  },
  find_program: {
    code: 111,
    calls: "openat2, faccessat2",
    man: "execve(2)",
    gist: "Look whether the program is there, before the container counts as created.",
    fields: { paths: ["texts", "tried in order until one is there"] },
  },
  send_terminal: {
    code: 112,
    calls: "connect, sendmsg SCM_RIGHTS",
    man: "unix(7)",
    gist: "Hand the terminal's other end to who waits for it at a socket.",
    fields: { at: at("the socket") },
  },
  pause: {
    code: 55,
    calls: "kill SIGSTOP",
    man: "signal(7)",
    gist: "Stop here until somebody says go on.",
    fields: {},
  },
} as const satisfies Readonly<Record<string, Entry>>;
