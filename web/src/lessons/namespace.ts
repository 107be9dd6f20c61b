/** A mount namespace, without and with private propagation. */

import { hostSetup } from "./host.ts";
import type { Lesson } from "./lesson.ts";

export const namespaceLesson: Lesson = {
  id: "namespace",
  title: "A mount namespace, leaky and tight",
  short: "Namespace",
  summary: "Why a copy of the mounts is not enough, and what private propagation adds",
  before:
    "Three shells on one machine: the host's, the box, which is to become a container, and a watcher for later. A mount namespace is a list of mounts, what is seen at which directory. All three are in the same one, so all see one tree. systemd has made every mount shared: each is in a peer group, of itself alone as yet. Whoever gets a copy of the mount joins that group, and what is mounted on one of a group is mounted on all.",
  setup: hostSetup,
  steps: [
    {
      title: "A namespace of its own",
      by: "box",
      lines: ["unshare -m --propagation unchanged"],
      what: "The kernel copies every mount for the box. Each copy of a shared mount joins the peer group of the original.",
      why: "What the box mounts and unmounts from now on should be its own business.",
      without: "The box and the host go on using one tree, and no later line can separate them.",
      leaveOut: {
        claims: [{ who: "host", at: "/mnt", is: "tmpfs" }],
        shows: "There is one tree only: whatever the box mounts, the host has.",
      },
    },
    {
      title: "A mount, and it leaks",
      by: "box",
      lines: ["mount -t tmpfs scratch /mnt"],
      what: "A tmpfs is mounted on /mnt in the box. / is shared, so every peer of / gets a mount at the same place: the host's, too.",
      why: "To see that a namespace alone does not separate anything here.",
      without: "There is nothing at /mnt for the next line to unmount.",
      claims: [
        { who: "box", at: "/mnt", is: "tmpfs" },
        { who: "host", at: "/mnt", is: "tmpfs" },
      ],
      leaveOut: {
        fails: { step: 3, errno: "EINVAL" },
        shows: "umount needs a mount point, and /mnt is a plain directory.",
      },
    },
    {
      title: "Unmounting leaks as well",
      by: "box",
      lines: ["umount /mnt"],
      what: "The mount goes in the box, and on every peer of its parent.",
      why: "Propagation works both ways in time: mounting and unmounting. A container that tidies up can take mounts of the host away.",
      without: "The leaked mount stays on the host, after the box has been made private, too.",
      claims: [
        { who: "box", at: "/mnt", is: null },
        { who: "host", at: "/mnt", is: null },
      ],
      leaveOut: {
        claims: [{ who: "host", at: "/mnt", is: "tmpfs" }],
        shows: "The host keeps the leaked mount: making things private later takes nothing back.",
      },
    },
    {
      title: "Private, all the way down",
      by: "box",
      lines: ["mount --make-rprivate /"],
      what: "Every mount of the box leaves its peer group. The r is for recursive: / alone would leave /dev and the others as they were.",
      why: "A private mount neither sends nor receives. Now the copy is a copy.",
      without: "Everything that is mounted in the box goes on appearing on the host.",
      leaveOut: {
        claims: [{ who: "host", at: "/mnt", is: "tmpfs" }],
        shows: "The next mount leaks again: look at /mnt on the host.",
      },
    },
    {
      title: "The same mount, and it stays inside",
      by: "box",
      lines: ["mount -t tmpfs scratch /mnt"],
      what: "The same command as before. / has no peers now, so there is one mount and no copy.",
      why: "This is what people expect a mount namespace to do.",
      without: "Nothing: it is the proof, not a part of the set-up.",
      claims: [
        { who: "box", at: "/mnt", is: "tmpfs" },
        { who: "host", at: "/mnt", is: null },
      ],
      leaveOut: {
        claims: [{ who: "box", at: "/mnt", is: null }],
        shows: "No mount at /mnt, on either side.",
      },
    },
    {
      title: "A third shell that only listens",
      by: "watcher",
      lines: ["unshare -m --propagation slave"],
      what: "Another namespace, whose mounts are slaves of the host's peer groups: they receive, and send nothing.",
      why: "A container may want to see the disk that is plugged in later, and must not be able to mount anything on the host. Container runtimes call it rslave.",
      without: "The third shell is still in the host's namespace and not a container at all.",
      leaveOut: {
        claims: [{ who: "watcher", at: "/media", is: "tmpfs" }],
        shows:
          "The watcher shares the host's tree: it sees the disk, and the host would see its mounts.",
      },
    },
    {
      title: "The host plugs in a disk",
      by: "host",
      lines: ["mount -t tmpfs disk /media"],
      what: "The mount propagates to peers and slaves of the host's /. The watcher gets it as a slave; the private box does not.",
      why: "Shared, slave and private side by side: both ways, one way, no way.",
      without: "The three look alike, since nothing happens that could tell them apart.",
      claims: [
        { who: "watcher", at: "/media", is: "tmpfs" },
        { who: "box", at: "/media", is: null },
      ],
      leaveOut: {
        claims: [{ who: "watcher", at: "/media", is: null }],
        shows: "Nothing is mounted, so nothing is received.",
      },
    },
  ],
  quiz: [
    {
      ask: "You run unshare(CLONE_NEWNS) in C on a systemd machine and mount a tmpfs. Does the host see it?",
      answers: [
        {
          text: "Yes, if it lies on a shared mount",
          right: true,
          because:
            "The system call copies propagation as it is. The command unshare -m hides this: it makes everything private unless told otherwise.",
        },
        {
          text: "No, it is another namespace",
          right: false,
          because: "Another namespace has copies, and copies of shared mounts are peers.",
        },
        {
          text: "Only after remounting",
          right: false,
          because: "Propagation happens in the very call that mounts.",
        },
      ],
    },
    {
      ask: "Why --make-rprivate and not --make-private?",
      answers: [
        {
          text: "Each mount has a propagation type of its own",
          right: true,
          because:
            "Without the r, / becomes private and /dev stays shared: mounts below /dev leak.",
        },
        {
          text: "The r makes it permanent",
          right: false,
          because: "It means recursive. Every type can be changed again later.",
        },
      ],
    },
    {
      ask: "A slave mount is made shared. What is it then?",
      answers: [
        {
          text: "Both: it receives from its master, and has peers of its own",
          right: true,
          because: "mountinfo shows shared:2 master:1 for it.",
        },
        {
          text: "Shared only; it leaves its master",
          right: false,
          because: "Only --make-private and --make-unbindable leave the master.",
        },
        {
          text: "That is EINVAL",
          right: false,
          because: "Every change of type is allowed on a mount point that is yours.",
        },
      ],
    },
  ],
};
