/** Why /proc needs a pid namespace. */

import { boxRoot, hostSetup, pivoted } from "./host.ts";
import type { Lesson } from "./lesson.ts";

export const procLesson: Lesson = {
  id: "proc",
  title: "Why /proc needs a pid namespace",
  short: "/proc",
  summary: "A new proc shows the processes of whoever mounts it, and more than processes",
  before:
    "The box has a root of its own. Its /proc is an empty directory, so ps, top and mount find nothing to read there.",
  setup: [...hostSetup, ...boxRoot, ...pivoted],
  showsProcesses: true,
  steps: [
    {
      title: "Count processes anew",
      by: "box",
      lines: [{ told: "unshare --pid --fork" }],
      newPids: true,
      what: "The next child is the first process of a pid namespace: number 1 inside, some other number outside.",
      why: "The box should neither see nor signal what is not its own; and when its number 1 ends, the kernel ends the rest.",
      without:
        "A proc mounted in the box lists every process of the machine, with command lines and open files.",
      claims: [{ who: "box", ps: "nothing" }],
      leaveOut: {
        claims: [{ who: "box", ps: "host" }],
        shows:
          "Another proc, the same processes: it shows those of the pid namespace it was mounted from, which is the host's.",
      },
    },
    {
      title: "Mount a proc of one's own",
      by: "box",
      lines: ["mount -t proc -o nosuid,nodev,noexec proc /proc"],
      brings: ["box: mkdir /proc/sys", "box: touch /proc/kcore", "box: touch /dev/null"],
      what: "A new proc file system, made for the pid namespace of the process that mounts it.",
      why: "proc is not a window on the kernel as such, but on one pid namespace. The one that was there shows the host's.",
      without: "There is no /proc: ps says nothing, and half of all programs fail in odd ways.",
      claims: [{ who: "box", ps: "own" }],
      leaveOut: {
        fails: { step: 3, errno: "ENOENT" },
        shows: "/proc is an empty directory, so there is no /proc/sys to protect.",
      },
    },
    {
      title: "A mount point in /proc",
      by: "box",
      lines: ["mount --bind /proc/sys /proc/sys"],
      what: "/proc/sys is mounted on itself, so that it can have flags of its own.",
      why: "A pid namespace separates processes. Most of /proc/sys is the whole machine's: who may write there can have core_pattern start a program on the host.",
      without: "There is no mount at /proc/sys that could be made read-only.",
      claims: [{ who: "box", at: "/proc/sys", is: "proc" }],
      leaveOut: {
        fails: { step: 4, errno: "EINVAL" },
        shows: "remount,bind changes a mount, and /proc/sys is a directory on one.",
      },
    },
    {
      title: "Make it read-only",
      by: "box",
      lines: ["mount -o remount,bind,ro /proc/sys"],
      what: "The flags of this one mount change. The file system itself stays writable, for the host.",
      why: "It takes a call of its own: mount --bind -o ro in one system call ignores the ro. The command makes two calls of it.",
      without: "echo 1 >/proc/sys/kernel/… inside the box sets it for the whole machine.",
      claims: [{ who: "box", at: "/proc/sys", is: "proc" }],
      leaveOut: {
        claims: [{ who: "box", at: "/proc/sys", is: "proc" }],
        shows: "The mount is there, and writable: the drawing shows no “ro” on it.",
      },
    },
    {
      title: "Cover what cannot be made harmless",
      by: "box",
      lines: ["mount --bind /dev/null /proc/kcore"],
      what: "A file is mounted on a file: /proc/kcore, which is the memory of the machine, reads as empty. (The image's /dev/null is an empty file as yet; the real one comes in the next lesson.)",
      why: "Reading can be as bad as writing. Runtimes cover kcore, keys, timer_list and more, directories by an empty tmpfs.",
      without:
        "Root in the box reads the kernel's memory, unless CAP_SYS_RAWIO has been taken away.",
      claims: [{ who: "box", at: "/proc/kcore", is: "ext4" }],
      leaveOut: {
        claims: [{ who: "box", at: "/proc/kcore", is: null }],
        shows: "Nothing covers /proc/kcore.",
      },
    },
  ],
  quiz: [
    {
      ask: "The box binds the host's /proc instead of mounting a new one. What does ps list?",
      answers: [
        {
          text: "The host's processes",
          right: true,
          because:
            "A bind shows the same file system, and that belongs to the host's pid namespace.",
        },
        {
          text: "The box's, since the reader is in another pid namespace",
          right: false,
          because: "What counts is who mounted it, not who reads.",
        },
        {
          text: "Nothing",
          right: false,
          because: "The numbers are all there; the box just cannot signal most of them.",
        },
      ],
    },
    {
      ask: "What does a pid namespace not separate in /proc?",
      answers: [
        {
          text: "/proc/sys, /proc/sysrq-trigger, /proc/kcore",
          right: true,
          because:
            "They are about the machine, but for settings such as those of the network in /proc/sys. So they are made read-only, or covered.",
        },
        {
          text: "/proc/1",
          right: false,
          because: "That is the first process of the pid namespace.",
        },
        {
          text: "/proc/self",
          right: false,
          because: "It leads to the reader, by its number in that pid namespace.",
        },
      ],
    },
  ],
};
