/** pivot_root, step by step. */

import { boxRoot, hostSetup } from "./host.ts";
import type { Lesson } from "./lesson.ts";

export const pivotRootLesson: Lesson = {
  id: "pivot-root",
  title: "pivot_root in seven steps",
  short: "pivot_root",
  summary:
    "The root is exchanged, the old one is taken away, and there is nowhere left to go back to",
  before:
    "The same image in /srv/box, and a shell that works in /home. pivot_root exchanges the root of the whole mount namespace: what was / can be unmounted then.",
  setup: [...hostSetup, ...boxRoot, "box: cd /home"],
  steps: [
    {
      title: "A namespace of its own",
      by: "box",
      lines: ["unshare -m --propagation unchanged"],
      what: "A copy of every mount, for the box. The copies are peers of the originals.",
      why: "pivot_root exchanges the root of a mount namespace. It must not be the host's.",
      without: "The root of the whole machine is exchanged, under every process on it.",
      leaveOut: {
        claims: [{ who: "host", at: "/proc", is: null }],
        shows:
          "The host itself ended up in /srv/box, and its old root is gone. On a real machine: reboot.",
      },
    },
    {
      title: "Private, all the way down",
      by: "box",
      lines: ["mount --make-rprivate /"],
      what: "Every mount of the box leaves its peer group.",
      why: "The kernel refuses to exchange roots where it would have to do the same in other namespaces. And the umount at the end must not reach the host.",
      without:
        "pivot_root says EINVAL, as it does to most mistakes. Which one it was is for you to find out, or for this page.",
      leaveOut: {
        fails: { step: 5, errno: "EINVAL" },
        shows: "A shared mount is in the way: its peers on the host would have to change as well.",
      },
    },
    {
      title: "Make the new root a mount point",
      by: "box",
      lines: ["mount --bind /srv/box /srv/box"],
      what: "The directory is mounted on itself. Nothing looks different, but now there is a mount whose root is /srv/box.",
      why: "pivot_root exchanges mounts. A directory on the old root's file system could not stay when that goes.",
      without: "pivot_root says EBUSY: the new root would lie on the very mount that is to go.",
      claims: [{ who: "box", at: "/srv/box", is: "ext4" }],
      leaveOut: {
        fails: { step: 5, errno: "EBUSY" },
        shows: "new_root lies on the mount of the current root.",
      },
    },
    {
      title: "A place for the old root",
      by: "box",
      lines: ["mkdir /srv/box/old"],
      what: "A directory inside of the new root.",
      why: "The old root has to stay reachable until it is unmounted, and so it needs a place below the new one.",
      without: "pivot_root says ENOENT.",
      leaveOut: {
        fails: { step: 5, errno: "ENOENT" },
        shows: "put_old is not there.",
      },
    },
    {
      title: "Exchange",
      by: "box",
      lines: ["pivot_root /srv/box /srv/box/old"],
      what: "The new root's mount takes the place of the old one, and the old one, with all that is mounted on it, moves to /old. Every process whose root was the old root has the new one.",
      why: "It is one step: at no moment is there no root, or two.",
      without: "/ is still the host's, and /old is not there to be unmounted.",
      claims: [
        { who: "box", root: "/" },
        { who: "box", cwd: "/old/home" },
        { who: "box", at: "/old/proc", is: "proc" },
        { who: "host", at: "/proc", is: "proc" },
      ],
      leaveOut: {
        fails: { step: 7, errno: "ENOENT" },
        shows: "Nothing was exchanged: there is no /old, and the box still has the host's root.",
      },
    },
    {
      title: "Go to the new root",
      by: "box",
      lines: ["cd /"],
      what: "The working directory moves from /old/home into the new root.",
      why: "pivot_root moves only those who stood exactly on the old root. Who stood elsewhere still stands there.",
      without: "The process keeps a foot in the old file system, even when that is unmounted.",
      claims: [{ who: "box", cwd: "/" }],
      leaveOut: {
        claims: [{ who: "box", adrift: true }],
        shows:
          "The old root is unmounted and still in use: the box works in a directory of the host.",
      },
    },
    {
      title: "Take the old root away",
      by: "box",
      lines: ["umount -l /old"],
      brings: ["box: rmdir /old"],
      what: "The old root and everything on it leave the namespace; -l (MNT_DETACH) takes the whole tree at once. The empty directory is removed.",
      why: "Only now is the host out of reach. What is not mounted cannot be walked to, by any chroot. Only who still stood in it, or had a file of it open, would have that yet.",
      without: "The whole host lies below /old, writable.",
      claims: [
        { who: "box", at: "/old", is: null },
        { who: "host", at: "/proc", is: "proc" },
      ],
      leaveOut: {
        claims: [
          { who: "box", at: "/old", is: "ext4" },
          { who: "box", at: "/old/dev", is: "devtmpfs" },
        ],
        shows: "Below /old lies the host, disks and all.",
      },
    },
  ],
  quiz: [
    {
      ask: "mount --bind /srv/box /srv/box changes no file. What is it for?",
      answers: [
        {
          text: "pivot_root exchanges mounts, and needs one whose root is /srv/box",
          right: true,
          because: "Without it new_root lies on the current root's mount: EBUSY.",
        },
        {
          text: "It protects the directory from being written to",
          right: false,
          because: "A bind mount is as writable as its source.",
        },
        {
          text: "It copies the image",
          right: false,
          because: "It shows the same files in a second mount.",
        },
      ],
    },
    {
      ask: "umount /old without -l says EBUSY, although nobody works there. Why?",
      answers: [
        {
          text: "/proc, /sys and /dev are mounted on it",
          right: true,
          because:
            "umount takes one mount, and one without children. MNT_DETACH takes the tree, in use or not.",
        },
        {
          text: "The host still uses it",
          right: false,
          because: "The host uses mounts of its own namespace. These are copies.",
        },
        {
          text: "The old root can never be unmounted",
          right: false,
          because: "That holds for the first root of a machine. This is a copy of a mount.",
        },
      ],
    },
    {
      ask: "Runtimes call pivot_root(“.”, “.”), with both at the same place. Where is the old root then?",
      answers: [
        {
          text: "On top of the new one, at /",
          right: true,
          because:
            "umount2(“.”, MNT_DETACH) takes what is on top. So no directory is needed, and the image may be read-only. Try it in the playground.",
        },
        {
          text: "That is EINVAL: put_old has to lie below new_root",
          right: false,
          because: "At or below: the same place is allowed.",
        },
        {
          text: "It is unmounted at once",
          right: false,
          because: "pivot_root unmounts nothing.",
        },
      ],
    },
    {
      ask: "Does this stop the escape of the chroot lesson?",
      answers: [
        {
          text: "Yes: walking up ends at the new root, and nothing else is mounted",
          right: true,
          because: "The trick with two chroots still works, but it leads to the container's own /.",
        },
        {
          text: "No, it needs CAP_SYS_CHROOT to be gone, too",
          right: false,
          because: "That would be a second lock on a door that leads nowhere.",
        },
      ],
    },
  ],
};
