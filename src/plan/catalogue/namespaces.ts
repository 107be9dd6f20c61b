/** The operations of the catalogue: namespaces. */

import type { Entry } from "../entry.ts";

export const namespaces = {
  clone: {
    code: 10,
    calls: "clone3",
    man: "clone(2)",
    gist: "Start the container's first process in new namespaces; from here on there are two.",
    fields: {
      namespaces: ["flags:namespace", "which are new"],
      cgroup: ["slot", "a cgroup v2 directory in which it starts (CLONE_INTO_CGROUP)"],
      user: ["slot", "a user namespace to join first, which then owns the new ones"],
      process: ["slot", "a process of another container, to be joined first"],
      join: ["flags:namespace", "which of that process's namespaces"],
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
  become_root: {
    code: 113,
    calls: "setgroups, setresgid, setresuid",
    man: "user_namespaces(7)",
    gist: "Become root of the user namespace, if it has one: until then all files are somebody else's.",
    fields: {},
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
} as const satisfies Readonly<Record<string, Entry>>;
