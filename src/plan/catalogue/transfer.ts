/** The operations of the catalogue: what is in a root, in and out of it. */

import { at, type Entry } from "../entry.ts";

export const transfer = {
  borrow_root: {
    code: 130,
    calls: "pidfd_open, openat, fork, setns, open_tree, mount_setattr, sendmsg",
    man: "open_tree(2)",
    gist: "Take a detached copy of the mounts at a process's root, which it cannot change any more.",
    fields: {
      of: at("the file with its pid and when it began"),
      recursive: ["bool", "with the mounts below the root"],
      attributes: ["flags:mountAttribute", "flags that are set on all of them"],
      into: ["slot", "the name under which it is kept"],
    },
  },
  pack: {
    code: 131,
    calls: "chroot, capset, openat2, getdents64, read, write",
    man: "tar(5)",
    gist: "Become the packer: write what is at a path as a tar to standard output.",
    fields: {
      root: ["slot", "the root in which the path is looked up, and which becomes the packer's own"],
      path: ["text", "what is packed"],
      name: ["text", "what it is called in the archive; empty: `.`"],
      follow: ["bool", "a symbolic link in the last place is followed"],
      bare: ["bool", "the directory's own entry is left out"],
      layer: ["bool", "it is an overlay's upper directory, to become an image's layer"],
    },
  },
  unpack: {
    code: 132,
    calls: "chroot, capset, openat2, read, openat O_TMPFILE, linkat, mkdirat",
    man: "openat2(2)",
    gist: "Become the unpacker: make files at a path from what standard input tells.",
    fields: {
      root: [
        "slot",
        "the root in which the path is looked up, and which becomes the unpacker's own",
      ],
      path: ["text", "a directory to copy into, or a file to make in one"],
      follow: ["bool", "symbolic links below the directory are followed"],
    },
  },
  list_changes: {
    code: 133,
    calls: "openat2, getdents64, write",
    man: "mount(8)",
    gist: "Write to standard output what an overlay's upper directory changes of its layers.",
    fields: {
      upper: ["slot", "the upper directory"],
      layers: ["texts", "the layers' directories, the uppermost first"],
    },
  },
} as const satisfies Readonly<Record<string, Entry>>;
