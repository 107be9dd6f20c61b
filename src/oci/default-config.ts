// The configuration that `spec` writes: a shell in a root that is read-only, as runc and crun write it,
// since that is what people begin with and what scripts change by jq.

import type { Capability, LinuxIDMapping, LinuxNamespace, Mount, Spec } from "../spec/mod.ts";
import { writeJson } from "../spec/mod.ts";

/**
 * Nothing in it is newer than this, and runtimes such as crun 1.8 run no bundle of a later minor
 * version.
 */
const VERSION = "1.0.2";

/** What the configuration depends on. */
export type DefaultConfigOptions = {
  /** For a caller who is not root: the user and group that will be root inside. */
  readonly rootless: { readonly uid: number; readonly gid: number } | null;
  /** Whether the machine has cgroups of version 2 alone: the container then gets a view of its own. */
  readonly cgroupNamespace: boolean;
};

const capabilities: readonly Capability[] = ["CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"];

/**
 * Without root, the group 5 of terminals is not mapped, and a sysfs can be mounted by the owner of the
 * network namespace alone: since the network is the host's, so is /sys, as a bind.
 */
function mounts(rootless: boolean): readonly Mount[] {
  const pts = ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"];
  const safe = ["nosuid", "noexec", "nodev"];
  return [
    { destination: "/proc", type: "proc", source: "proc" },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: rootless ? pts : [...pts, "gid=5"],
    },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: [...safe, "mode=1777", "size=65536k"],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: safe },
    rootless
      ? { destination: "/sys", type: "none", source: "/sys", options: ["rbind", ...safe, "ro"] }
      : { destination: "/sys", type: "sysfs", source: "sysfs", options: [...safe, "ro"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [...safe, "relatime", "ro"],
    },
  ];
}

function namespaces({ rootless, cgroupNamespace }: DefaultConfigOptions): LinuxNamespace[] {
  const network: LinuxNamespace[] = rootless === null ? [{ type: "network" }] : [];
  const user: LinuxNamespace[] = rootless === null ? [] : [{ type: "user" }];
  const cgroup: LinuxNamespace[] = cgroupNamespace ? [{ type: "cgroup" }] : [];
  return [
    { type: "pid" },
    ...network,
    { type: "ipc" },
    { type: "uts" },
    { type: "mount" },
    ...cgroup,
    ...user,
  ];
}

const alone = (hostID: number): LinuxIDMapping[] => [{ containerID: 0, hostID, size: 1 }];

const maskedPaths = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** The configuration of a shell in the directory `rootfs` of its bundle. */
export function defaultConfig(options: DefaultConfigOptions): Spec {
  const { rootless } = options;
  return {
    ociVersion: VERSION,
    process: {
      terminal: true,
      user: { uid: 0, gid: 0 },
      args: ["sh"],
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
      cwd: "/",
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
      },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024n, soft: 1024n }],
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "pivot",
    mounts: mounts(rootless !== null),
    linux: {
      ...(rootless === null
        ? { resources: { devices: [{ allow: false, access: "rwm" }] } }
        : { uidMappings: alone(rootless.uid), gidMappings: alone(rootless.gid) }),
      namespaces: namespaces(options),
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** The text of a `config.json`, indented by tabs as runc does it. */
export const writeConfig = (spec: Spec): string => `${writeJson(spec, "\t")}\n`;
