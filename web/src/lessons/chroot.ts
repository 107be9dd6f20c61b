/** chroot, and the way out of it. */

import { boxRoot, hostSetup } from "./host.ts";
import type { Lesson } from "./lesson.ts";

export const chrootLesson: Lesson = {
  id: "chroot",
  title: "chroot, and the way out",
  short: "chroot",
  summary: "It changes where / begins for one process, and nothing else",
  before:
    "An image is a directory with a bin, an etc and a lib of its own; this one lies in /srv/box. The obvious way to shut a process into it is chroot, which is from 1979 and was never meant to lock anybody in.",
  setup: [...hostSetup, ...boxRoot],
  steps: [
    {
      title: "A namespace of its own",
      by: "box",
      lines: ["unshare -m"],
      what: "The box gets copies of all mounts. This time they are private: the command unshare sees to that unless told otherwise.",
      why: "So that whatever happens next can harm the box alone.",
      without: "chroot itself works all the same: it has nothing to do with mounts.",
      leaveOut: {
        claims: [{ who: "box", root: "/" }],
        shows: "The way out works just as well in the host's namespace.",
      },
    },
    {
      title: "Change the root",
      by: "box",
      lines: ["chroot --skip-chdir /srv/box"],
      what: "The process's root is /srv/box now. Paths that begin with / begin there, and .. stops there. Its working directory did not move: that is what the bare system call does, and what --skip-chdir stands for here. The command chroot always goes to the new root, and starts a program there; this is the box's own shell.",
      why: "Programs of the image find /bin and /etc where they expect them.",
      without: "/ is still the host's.",
      claims: [
        { who: "box", root: "/srv/box" },
        { who: "box", cwd: "/" },
      ],
      leaveOut: {
        claims: [{ who: "box", root: "/" }],
        shows: "No root was changed, so there is nothing to get out of.",
      },
    },
    {
      title: "Go to the new root",
      by: "box",
      lines: ["cd /"],
      what: "The working directory moves into /srv/box.",
      why: "A working directory outside of the root is outside already: relative paths go on from there.",
      without:
        "No trick is needed: the process stands outside, and mkdir makes its directory in the host's root.",
      claims: [{ who: "box", cwd: "/srv/box" }],
      leaveOut: {
        fails: { step: 5, errno: "ENOENT" },
        shows:
          "The working directory was never inside: mkdir made jail in the host's own root, where /jail inside leads nobody.",
      },
    },
    {
      title: "The escape: a directory",
      by: "box",
      lines: ["mkdir jail"],
      what: "A directory anywhere inside; it need not have anything in it.",
      why: "A second root is needed, below the first.",
      without: "chroot has nowhere to go.",
      leaveOut: {
        fails: { step: 5, errno: "ENOENT" },
        shows: "There is no jail to change the root to.",
      },
    },
    {
      title: "The escape: chroot once more",
      by: "box",
      lines: ["chroot --skip-chdir /jail"],
      what: "The root moves down to /srv/box/jail. The working directory stays in /srv/box, and that is outside of the root now.",
      why: ".. stops at the root. Who stands outside of it never meets it on the way up.",
      without: "cd .. stops at /srv/box, the root, as it should.",
      claims: [
        { who: "box", root: "/srv/box/jail" },
        { who: "box", cwd: "/srv/box" },
      ],
      leaveOut: {
        claims: [{ who: "box", root: "/srv/box" }],
        shows: "The process stays where it was put: .. stops at the root.",
      },
    },
    {
      title: "The escape: up and up",
      by: "box",
      lines: ["cd ../../../.."],
      what: "The kernel compares each directory with the root and never finds it equal. The walk ends at the top of the mount namespace: the host's /.",
      why: "The host's file system was never taken away. It was only out of sight.",
      without: "The process stands in /srv/box and has not got out yet.",
      claims: [{ who: "box", cwd: "/" }],
      leaveOut: {
        claims: [{ who: "box", root: "/srv/box" }],
        shows: "The last line makes /srv/box the root again: back to the beginning.",
      },
    },
    {
      title: "The escape: and stay there",
      by: "box",
      lines: ["chroot ."],
      what: "The host's / is the root again.",
      why: "All that it took is CAP_SYS_CHROOT, which root in a container has by default.",
      without: "Absolute paths still lead into the jail; relative ones reach the whole host.",
      claims: [{ who: "box", root: "/" }],
      leaveOut: {
        claims: [
          { who: "box", root: "/srv/box/jail" },
          { who: "box", cwd: "/" },
        ],
        shows: "The working directory is the host's /: every file is a relative path away.",
      },
    },
  ],
  quiz: [
    {
      ask: "What does chroot change in the mount table?",
      answers: [
        {
          text: "Nothing",
          right: true,
          because: "It sets one field of the process. The host's mounts stay, and stay reachable.",
        },
        {
          text: "It unmounts what lies outside",
          right: false,
          because: "Nothing is unmounted: step through it and compare the trees.",
        },
        {
          text: "It makes the directory a mount point",
          right: false,
          because: "That would be mount --bind. chroot takes any directory.",
        },
      ],
    },
    {
      ask: "Which single change stops this escape?",
      answers: [
        {
          text: "Taking CAP_SYS_CHROOT away",
          right: true,
          because:
            "Then the second chroot fails with EPERM. The host's files stay mounted all the same, one mistake away.",
        },
        {
          text: "Removing mkdir from the image",
          right: false,
          because: "Any directory that is there does as well.",
        },
        {
          text: "A private mount namespace",
          right: false,
          because: "The box of this lesson is in one, and gets out.",
        },
      ],
    },
  ],
};
