/** The six steps of `docker run -it alpine sh`. */

import { hostSetup } from "./host.ts";
import type { Lesson } from "./lesson.ts";

const image = "box: mkdir -p /run/box/bin /run/box/etc /run/box/proc /run/box/sys /run/box/dev";

export const dockerRunLesson: Lesson = {
  id: "docker-run",
  title: "docker run -it alpine sh, in six steps",
  short: "docker run",
  summary: "Namespaces, overlay, pivot_root, proc and dev, identity and network, exec",
  before:
    "Everything of the lessons before, put together. The layers of the image alpine lie unpacked in /layers/alpine. In one thing this is simpler than docker's runtime, and pivot: those mount /proc, /sys and /dev (step 4) below the new root before they exchange roots (step 3).",
  setup: [...hostSetup, "host: mkdir -p /layers/alpine /layers/upper /layers/work /run/box"],
  showsProcesses: true,
  steps: [
    {
      title: "Namespaces",
      by: "box",
      lines: [
        "unshare -m --propagation slave",
        { told: "unshare --pid --uts --ipc --net --cgroup --fork" },
      ],
      newPids: true,
      newNetwork: true,
      what: "Mounts, processes, host name, message queues, network and cgroups are the box's own. Its mounts are slaves of the host's: they receive and do not send.",
      why: "Each namespace is one kind of thing that the box sees its own of. A container is a process in all of them.",
      without: "It is the root of the whole machine that pivot_root is asked to exchange.",
      leaveOut: {
        fails: { step: 3, errno: "EINVAL" },
        shows:
          "In the host's namespace the mounts are shared, and pivot_root refuses: luckily for the host.",
      },
    },
    {
      title: "The image, by overlay",
      by: "box",
      lines: [
        "mount -t overlay -o lowerdir=/layers/alpine,upperdir=/layers/upper,workdir=/layers/work overlay /run/box",
      ],
      brings: [image],
      what: "Several directories shown as one: the image's layers below, an empty writable one on top.",
      why: "Ten containers of one image share its files, and each writes to a layer of its own.",
      without: "/run/box is an empty directory of the host, and no mount point.",
      claims: [{ who: "box", at: "/run/box", is: "overlay" }],
      leaveOut: {
        fails: { step: 3, errno: "EBUSY" },
        shows: "pivot_root: /run/box lies on the current root's own mount.",
      },
    },
    {
      title: "pivot_root",
      by: "box",
      lines: ["cd /run/box", "pivot_root . .", "umount -l .", "cd /"],
      what: "The overlay becomes /, with the old root stacked on top of it at the same place; umount takes what is on top, and that is the host.",
      why: "Both at “.”: no directory for the old root is needed, so the image may be read-only.",
      without:
        "The program sees the host's files, and the mounts of the next step land on the host's directories.",
      claims: [
        { who: "box", at: "/", is: "overlay" },
        { who: "box", root: "/" },
        { who: "box", cwd: "/" },
      ],
      leaveOut: {
        claims: [
          { who: "box", at: "/", is: "ext4" },
          { who: "box", at: "/dev", is: "tmpfs" },
          { who: "host", at: "/dev", is: "devtmpfs" },
        ],
        shows:
          "The box still has the host's root, and its files. /proc, /sys and /dev are mounted on top of the host's, in the box's copy of the tree.",
      },
    },
    {
      title: "/proc, /sys and /dev",
      by: "box",
      lines: [
        "mount -t proc -o nosuid,nodev,noexec proc /proc",
        "mount -t sysfs -o ro,nosuid,nodev,noexec sysfs /sys",
        "mount -t tmpfs -o nosuid,mode=755 dev /dev",
        "mkdir /dev/pts /dev/shm",
        "mount -t devpts -o newinstance,ptmxmode=0666 devpts /dev/pts",
        "mount -t tmpfs -o nosuid,nodev,noexec shm /dev/shm",
      ],
      what: "The kernel's file systems, each new and the box's own. What is bound from the host, as devices, masks and files of the last two lessons are, needs the host in sight: which is why runtimes do all of this before step 3. The terminal that -t asks for is opened in /dev/pts.",
      why: "Programs expect them. Each is as small and as read-only as programs stand.",
      without: "No ps, no terminal, no /dev/null.",
      claims: [
        { who: "box", at: "/dev/pts", is: "devpts" },
        { who: "box", ps: "own" },
      ],
      leaveOut: {
        claims: [{ who: "box", ps: "nothing" }],
        shows: "One mount is all there is. busybox sh starts, and little else does.",
      },
    },
    {
      title: "Identity and network",
      by: "box",
      lines: [
        { told: "hostname 5b44c2d1e0aa" },
        { told: "ip link set lo up; ip link set eth0 up" },
        { told: "ip address add 172.17.0.2/16 dev eth0" },
        { told: "ip route add default via 172.17.0.1" },
      ],
      what: "The host name is the id's beginning. A pair of virtual Ethernet devices connects the box's network namespace with a bridge on the host, from where one end of it was put in here, as eth0.",
      why: "A new network namespace has nothing but a loopback device that is down.",
      without: "It has the host's name, and reaches nobody.",
      leaveOut: {
        claims: [{ who: "box", at: "/", is: "overlay" }],
        shows: "The mounts do not care. That is --network none.",
      },
    },
    {
      title: "exec",
      by: "box",
      lines: [{ told: "setpriv --bounding-set=-sys_admin,… sh" }],
      what: "Capabilities are dropped to fourteen, a filter of system calls is set (no command does that), and the process becomes sh: the same process that did all of the above.",
      why: "Last, since every step before needs more rights than the program may have. After exec there is nothing of the runtime left inside.",
      without:
        "There is no program; or, with its rights kept, one that can mount and unmount what it likes.",
      leaveOut: {
        claims: [{ who: "box", ps: "own" }],
        shows: "The world is complete, and nobody lives in it.",
      },
    },
  ],
  quiz: [
    {
      ask: "Which of these steps makes the container's files the image's?",
      answers: [
        {
          text: "overlay shows them, pivot_root makes them /",
          right: true,
          because:
            "The one without the other gives a directory that nobody is in, or no root to change to.",
        },
        {
          text: "The mount namespace",
          right: false,
          because: "It begins as a copy of the host's tree, with the host's files.",
        },
        {
          text: "exec",
          right: false,
          because: "It starts a program from the files that are there.",
        },
      ],
    },
    {
      ask: "Why slave here, and private in the lessons before?",
      answers: [
        {
          text: "A slave receives what the host mounts later, and still sends nothing",
          right: true,
          because:
            "To pivot_root a slave is as good as a private mount. runc, which docker starts, makes everything a slave, too, unless it is told otherwise; pivot makes it private, unless a mount of yours is to receive.",
        },
        {
          text: "pivot_root works with slaves alone",
          right: false,
          because: "Private mounts are as good to it.",
        },
        {
          text: "It is the same thing",
          right: false,
          because: "A private mount receives nothing either.",
        },
      ],
    },
    {
      ask: "Where is the runtime while sh runs?",
      answers: [
        {
          text: "Outside: inside, its process has become sh",
          right: true,
          because:
            "exec replaces the program. What watches over the container is another process, on the host.",
        },
        {
          text: "Inside, as process 1",
          right: false,
          because: "Process 1 is sh itself, unless --init asks for somebody to look after orphans.",
        },
      ],
    },
  ],
};
