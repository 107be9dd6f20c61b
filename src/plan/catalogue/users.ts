/** The operations of the catalogue: roots and files whose owners are a user namespace's. */

import { at, type Entry } from "../entry.ts";

export const users = {
  user_overlay: {
    code: 170,
    calls: "fork, unshare, open_tree, mount_setattr, setresuid, fsopen, fsmount, setns, sendmsg",
    man: "mount_setattr(2)",
    gist: "Mount an overlay for a user namespace, detached, by its root and with flags that nobody in it can change.",
    fields: {
      namespace: ["slot", "the user namespace's file"],
      mapped: ["bool", "what lies below `base` is shown with the owners of the namespace"],
      base: ["text", "a directory of the host that holds all that the options name"],
      options: ["texts", "the overlay's own options, `name=value` or `name`"],
      attributes: ["flags:mountAttribute", "the mount's own flags"],
      at: at("a directory to mount on meanwhile, in a mount namespace that goes"),
      into: ["slot", "the name under which its root is kept"],
    },
  },
  own_pipes: {
    code: 173,
    calls: "fork, setns, fchown",
    man: "pipe(7)",
    gist: "Give the pipes of the standard streams to root of a user namespace, who could not open /dev/stdout otherwise.",
    fields: {
      namespace: ["slot", "the user namespace's file, or a process in it"],
    },
  },
  user_copy: {
    code: 171,
    calls: "fork, setns, mkdirat, sendfile, linkat, mknodat, fchown, fsetxattr, renameat2",
    man: "user_namespaces(7)",
    gist: "Copy a directory, once and wholly, with the owners that a user namespace has outside for those inside.",
    fields: {
      namespace: ["slot", "the user namespace's file"],
      from: at("the directory"),
      to: at("the copy; one that is there is as it should be"),
    },
  },
  owners_inside: {
    code: 174,
    calls: "fork, setns",
    man: "user_namespaces(7)",
    gist: "What is packed or filled next gets the owners that a user namespace shows inside for those that it has.",
    fields: { namespace: ["slot", "the user namespace's file; none: no more"] },
  },
  own: {
    code: 172,
    calls: "fork, setns, openat2, getdents64, fchownat",
    man: "chown(2)",
    gist: "Give a directory or file to a user, as a user namespace has it outside.",
    fields: {
      at: at("what is given away"),
      namespace: ["slot", "the user namespace's file; none: ids are as they are"],
      root: ["slot", "the root in which the user's name is looked up; none: it is a number"],
      user: ["text", "`USER[:GROUP]`; empty: root"],
      deep: ["bool", "with all that is in it"],
      fresh: ["bool", "only a directory that is empty, and nobody's in the namespace"],
    },
  },
} as const satisfies Readonly<Record<string, Entry>>;
