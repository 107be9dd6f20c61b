/** The operations of the catalogue: files on the host. */

import { at, type Entry } from "../entry.ts";

export const files = {
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
  write_bytes: {
    code: 115,
    calls: "openat, write",
    man: "write(2)",
    gist: "Write a new file whose content is no text, such as a plan for later.",
    fields: {
      at: at("the file"),
      content: ["bytes", "what is written"],
      mode: ["u32", "its permissions, whatever the umask"],
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
    calls: "bpf BPF_PROG_LOAD, bpf BPF_PROG_ATTACH, bpf BPF_PROG_DETACH",
    man: "bpf(2)",
    gist: "Say by an eBPF program which devices the processes of a cgroup v2 may use, and by no other.",
    fields: {
      cgroup: ["slot", "the cgroup's directory"],
      program: ["bytes", "an array of struct bpf_insn, of type BPF_PROG_TYPE_CGROUP_DEVICE"],
    },
  },
  write_pid: {
    code: 8,
    calls: "openat, write",
    man: "write(2)",
    gist: "Write a process id to a file: that of the container's first process.",
    fields: {
      at: at("the file"),
      how: ["one:writeMode", "whether the file must be there or must not"],
      mode: ["u32", "its permissions"],
      started: ["bool", "behind it, when the process began, in clock ticks after boot"],
      own: ["bool", "not that of the first process, but the executor's"],
    },
  },
  append: {
    code: 123,
    calls: "openat, write",
    man: "open(2)",
    gist: "Append a line to a file, which is made when it is missing: `NANOSECONDS TEXT`.",
    fields: {
      at: at("the file"),
      text: ["text", "what stands behind the time, which is counted from 1970"],
      mode: ["u32", "permissions of a new file"],
      code: ["bool", "behind the text, the container's exit code"],
    },
  },
  lock: {
    code: 9,
    calls: "openat, flock",
    man: "flock(2)",
    gist: "Lock a directory for as long as the executor lives: so others see that it is in use.",
    fields: {
      at: at("the directory"),
      patience: ["u32", "milliseconds to wait for who holds it"],
      past: ["u32", "steps to pass over when it is no more; 0: that is a failure"],
    },
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
} as const satisfies Readonly<Record<string, Entry>>;
