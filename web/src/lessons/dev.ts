/** /dev, /sys, and files that are injected. */

import { boxRoot, hostSetup } from "./host.ts";
import type { Lesson } from "./lesson.ts";

export const devLesson: Lesson = {
  id: "dev",
  title: "/dev, /sys and injected files",
  short: "/dev, /sys, files",
  summary: "A few safe devices, a read-only /sys, and files of the host that show up inside",
  before:
    "The new root is mounted and private, and the shell stands in it. pivot_root comes later: as long as the host is in sight, things of the host can be shown inside. All paths are relative.",
  setup: [
    ...hostSetup,
    ...boxRoot,
    "host: touch /dev/null",
    "host: mkdir -p /run/pivot/box",
    "host: touch /run/pivot/box/resolv.conf",
    "box: unshare -m",
    "box: mount --bind /srv/box /srv/box",
    "box: cd /srv/box",
  ],
  steps: [
    {
      title: "An empty /dev",
      by: "box",
      lines: ["mount -t tmpfs -o nosuid,noexec,mode=755 dev dev"],
      what: "A tmpfs in memory covers the image's dev directory.",
      why: "The host's /dev has the disks in it. Device nodes are doors to the kernel: a box gets a handful, and no more.",
      without:
        "The next lines make their files in the image itself, for every container of it to find.",
      claims: [{ who: "box", at: "/srv/box/dev", is: "tmpfs" }],
      leaveOut: {
        claims: [{ who: "box", at: "/srv/box/dev", is: null }],
        shows: "dev is the image's own directory: null and pts are made in there and stay.",
      },
    },
    {
      title: "A file to mount on",
      by: "box",
      lines: ["touch dev/null"],
      what: "An empty file, in the tmpfs.",
      why: "A file can be mounted on a file only, and that has to be there.",
      without: "The bind says ENOENT.",
      leaveOut: {
        fails: { step: 3, errno: "ENOENT" },
        shows: "There is nothing at dev/null to mount on.",
      },
    },
    {
      title: "One safe device",
      by: "box",
      lines: ["mount --bind /dev/null dev/null"],
      what: "The host's /dev/null is shown in the box; zero, full, random, urandom and tty come in the same way.",
      why: "mknod would do on the host; in a user namespace the kernel refuses it, and a bind works everywhere.",
      without: "dev/null is an ordinary file, and fills up with what programs throw away.",
      claims: [{ who: "box", at: "/srv/box/dev/null", is: "devtmpfs" }],
      leaveOut: {
        claims: [{ who: "box", at: "/srv/box/dev/null", is: null }],
        shows: "An empty file by the name of null.",
      },
    },
    {
      title: "Terminals of its own",
      by: "box",
      lines: [
        "mkdir dev/pts",
        "mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts",
      ],
      what: "A new devpts: terminals that are opened inside are numbered from 0, and are the box's.",
      why: "With the host's devpts, root in the box could read and write the terminals of whoever is logged in.",
      without: "Programs that need a terminal find none.",
      claims: [{ who: "box", at: "/srv/box/dev/pts", is: "devpts" }],
      leaveOut: {
        claims: [{ who: "box", at: "/srv/box/dev/pts", is: null }],
        shows: "No dev/pts: script, ssh and tmux have no terminal to open.",
      },
    },
    {
      title: "/sys, to be read only",
      by: "box",
      lines: ["mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys"],
      what: "sysfs, read-only. Which network devices it shows depends on the network namespace.",
      why: "Programs look up processors and memory there. Written to, it sets up the machine's hardware.",
      without: "Java, lscpu and the like find no processors, and guess.",
      claims: [{ who: "box", at: "/srv/box/sys", is: "sysfs" }],
      leaveOut: {
        claims: [{ who: "box", at: "/srv/box/sys", is: null }],
        shows: "sys is an empty directory.",
      },
    },
    {
      title: "A file to mount on, once more",
      by: "box",
      lines: ["touch etc/resolv.conf"],
      what: "An empty file in the box's root. Where the image is read-only, it goes to the layer above it.",
      why: "As before: the target has to be there, and be a file.",
      without: "The bind says ENOENT.",
      leaveOut: {
        fails: { step: 7, errno: "ENOENT" },
        shows: "There is no etc/resolv.conf in this image.",
      },
    },
    {
      title: "An injected file",
      by: "box",
      lines: ["mount --bind /run/pivot/box/resolv.conf etc/resolv.conf"],
      what: "A file that the runtime wrote on the host shows up inside as /etc/resolv.conf; hosts and hostname likewise.",
      why: "Name servers and addresses are known when the container starts, not when the image is built. A bind stays current.",
      without: "The box cannot look up names.",
      claims: [{ who: "box", at: "/srv/box/etc/resolv.conf", is: "ext4" }],
      leaveOut: {
        claims: [{ who: "box", at: "/srv/box/etc/resolv.conf", is: null }],
        shows: "An empty resolv.conf.",
      },
    },
  ],
  quiz: [
    {
      ask: "The runtime makes a directory etc/resolv.conf and binds the file on it. What happens?",
      answers: [
        {
          text: "ENOTDIR",
          right: true,
          because:
            "A file is mounted on a file, a directory on a directory. Try it in the playground.",
        },
        {
          text: "The file appears in the directory",
          right: false,
          because: "A mount covers its target, and goes not into it.",
        },
        {
          text: "It works: a mount point is a mount point",
          right: false,
          because: "The kernel compares the two kinds before it attaches anything.",
        },
      ],
    },
    {
      ask: "After the bind, an editor on the host replaces resolv.conf by a rename. What does the box see?",
      answers: [
        {
          text: "The old file",
          right: true,
          because:
            "The mount shows the file that was there, not its name. So runtimes write such files in place.",
        },
        {
          text: "The new file",
          right: false,
          because: "A bind of the directory would show it; a bind of the file does not.",
        },
      ],
    },
    {
      ask: "Why not simply bind the host's whole /dev?",
      answers: [
        {
          text: "It has the disks in it",
          right: true,
          because: "Root in the box would write to them, beneath all file systems.",
        },
        {
          text: "devtmpfs cannot be bound",
          right: false,
          because: "It can, and docker run --privileged comes close to that.",
        },
      ],
    },
  ],
};
