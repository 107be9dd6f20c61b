/** What goes wrong without a mount, by where it is and what it is for. */

import type { OpOf } from "../plan/op.ts";

/** Whose places everybody knows. */
const places: Readonly<Record<string, string>> = {
  "/proc":
    "Without /proc there is no ps, no /proc/self/fd behind /dev/stdin, and many programs stop with odd errors. With the host's in its place, the container would see and could signal what only the host should.",
  "/dev":
    "Without a /dev of its own the container has the image's directory, which is empty as a rule: nothing can be thrown away into /dev/null. With the host's, it would have its disks.",
  "/dev/pts":
    "Without a devpts of its own there are no terminals inside: ssh, tmux and script fail. With the host's, the container could write to everybody's terminals.",
  "/dev/shm": "Without it shm_open(3) fails with ENOENT: databases and browsers do not start.",
  "/dev/mqueue": "Without it mq_open(3) has no file system to look queues up in by name.",
  "/sys":
    "Without /sys programs find no network interfaces, no processors and no cgroups. Were it the host's and writable, root inside could switch its hardware.",
  "/sys/fs/cgroup":
    "Without it programs inside cannot see their own limits: a Java or Node runtime would size itself for the whole machine.",
  "/etc/hosts":
    "Without it localhost and the container's own name are no names: many programs ask for them first of all.",
  "/etc/hostname": "Without it the file says another name than the kernel does, or none.",
  "/etc/resolv.conf": "Without it no name of the network can be looked up.",
};

export function withoutMount(op: OpOf<"mount">): string {
  if (op.into === "root") {
    return "Without it there is no root: the image's layers lie in directories beside each other, and what the container writes would have to go into one of them, which other containers use.";
  }
  if (op.into === "empty") {
    return "Without it there is nothing to cover masked directories with: what they hold would stay to be seen.";
  }
  const known =
    op.at?.in === "root" ? places[op.at.path] : op.into === "dev" ? places["/dev"] : undefined;
  if (known !== undefined) return known;
  if (op.type === "cgroup" || op.type === "cgroup2") {
    return "Without it one of the cgroup hierarchies is not there to be read inside.";
  }
  if (op.into === "cgroups") return places["/sys/fs/cgroup"] ?? "";
  return `Without it there is no ${op.type} in that place: what is written there goes to the container's own layer, and what was to be found there is not.`;
}

export function withoutAttach(op: OpOf<"attach">): string {
  if (op.mount === "root") {
    return "Without it the root is mounted nowhere: pivot_root(2) answers EINVAL, since new_root has to be a mount point.";
  }
  const known = op.at?.in === "root" ? places[op.at.path] : undefined;
  return (
    known ?? "Without it the mount stays where nobody can reach it, and goes with its descriptor."
  );
}

export function withoutBind(op: OpOf<"bind">): string {
  if (op.into === "root") {
    return "Without it the root is a directory of the host and no mount of its own: pivot_root(2) answers EINVAL, or EBUSY where it lies on the host's root.";
  }
  return op.at === null
    ? "Without it a later step has nothing to attach. It is taken now, while paths mean what they mean on the host."
    : "Without it what the host shows is not to be found in that place.";
}

export function withoutSetattr(op: OpOf<"mount_setattr">): string {
  const isHost = op.at?.in === "host" && op.at.path === "/";
  if (isHost && op.propagation === "private") {
    return "Without it (mount --make-rprivate /) the copies of the host's mounts stay in their peer groups, where the host's are shared, as systemd makes them: every mount made here appears on the host too, the unmount of the old root travels there, and pivot_root(2) answers EINVAL because the parent of new_root is shared.";
  }
  if (isHost) {
    return "Without it what is mounted here would appear on the host; as slaves the mounts get what the host mounts later, and give nothing back.";
  }
  if (op.propagation !== "unchanged") {
    return "Without it later mounts do not travel between this mount and others as was asked for.";
  }
  return op.attributes.includes("ro")
    ? "Without it the mount stays writable. It comes late since until now mount points had to be made in it."
    : "Without it the mount keeps the flags that it was made with.";
}

/** What the masked files of /proc and /sys would give away. */
const secrets: readonly (readonly [RegExp, string])[] = [
  [/kcore$/, "all of the machine's memory can be read by who has CAP_SYS_RAWIO"],
  [/keys$/, "the keys of the kernel's keyring are listed, those of the host among them"],
  [
    /(timer_list|timer_stats|sched_debug|latency_stats)$/,
    "it tells of processes of the host, and of addresses in the kernel",
  ],
  [/firmware$/, "firmware tables and variables of the machine can be read, or changed"],
  [/(acpi|scsi|asound)$/, "hardware of the host can be seen, and some of it switched"],
  [/interrupts$|thermal_throttle$/, "counts of the host's interrupts tell of what others type"],
  [/powercap$/, "the power that is drawn tells what others compute (PLATYPUS, CVE-2020-8694)"],
];

export function withoutCover(op: OpOf<"mask"> | OpOf<"readonly">): string {
  const path = op.at?.path ?? "";
  if (op.op === "mask") {
    const secret = secrets.find(([pattern]) => pattern.test(path))?.[1];
    return `Without it ${secret ?? "what lies there can be read inside"}: /proc and /sys are the kernel's own, and not divided by namespaces here.`;
  }
  return /sys$|sysrq-trigger$/.test(path)
    ? "Without it root inside can change settings of the whole machine: kernel/core_pattern, for one, names a program that the host's kernel runs as the host's root."
    : "Without it root inside can change settings of the host that no namespace holds.";
}
