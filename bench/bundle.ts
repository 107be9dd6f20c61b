// What all cases run: one busybox root directory, and for the OCI runtimes one
// configuration with the isolation that docker gives by default.

import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command, findProgram } from "./command.ts";

/** docker's default capabilities (moby, oci/caps/defaults.go). */
export const capabilities = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
] as const;

/** Makes a root directory from the static busybox and its applets. */
export function makeBusyboxRoot(root: string): void {
  const busybox = findProgram("busybox");
  if (busybox === null) throw new Error("busybox is not installed (Debian: busybox-static)");
  for (const directory of ["bin", "dev", "etc", "proc", "root", "run", "sbin", "sys", "tmp"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  for (const directory of ["usr/bin", "usr/sbin", "var"]) {
    mkdirSync(join(root, directory), { recursive: true });
  }
  cpSync(busybox, join(root, "bin/busybox"));
  command(["chroot", root, "/bin/busybox", "--install", "-s"]);
  writeFileSync(join(root, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n");
  writeFileSync(join(root, "etc/group"), "root:x:0:\n");
  // What engines mount their own files on.
  for (const name of ["hostname", "hosts", "resolv.conf"])
    writeFileSync(join(root, `etc/${name}`), "");
}

interface ProfileRule {
  readonly names: readonly string[];
  readonly action: string;
  readonly args?: readonly unknown[] | null;
  readonly errnoRet?: number;
  readonly includes?: Condition;
  readonly excludes?: Condition;
}

interface Condition {
  readonly caps?: readonly string[];
  readonly arches?: readonly string[];
}

/** A profile as docker and podman ship it, with conditions that a runtime does not know. */
export interface SeccompProfile {
  readonly defaultAction: string;
  readonly defaultErrnoRet?: number;
  readonly archMap: readonly { architecture: string; subArchitectures: readonly string[] }[];
  readonly syscalls: readonly ProfileRule[];
}

const architectures: Readonly<Record<string, { profile: string; seccomp: string }>> = {
  x64: { profile: "amd64", seccomp: "SCMP_ARCH_X86_64" },
  arm64: { profile: "arm64", seccomp: "SCMP_ARCH_AARCH64" },
};

/**
 * The `linux.seccomp` section of config.json that a profile gives for this machine and
 * docker's capabilities, as the engines themselves resolve it. Throws on a machine whose
 * architecture is none of those above.
 */
export function seccompSection(profile: SeccompProfile, arch: string = process.arch) {
  const names = architectures[arch];
  if (!names) throw new Error(`no seccomp architecture is known for ${arch}`);
  const held = new Set<string>(capabilities);
  const applies = ({ includes = {}, excludes = {} }: ProfileRule) =>
    (includes.caps ?? []).every((cap) => held.has(cap)) &&
    (includes.arches?.includes(names.profile) ?? true) &&
    !excludes.caps?.some((cap) => held.has(cap)) &&
    !excludes.arches?.includes(names.profile);
  const native = profile.archMap.find((entry) => entry.architecture === names.seccomp);
  return {
    defaultAction: profile.defaultAction,
    defaultErrnoRet: profile.defaultErrnoRet,
    architectures: [names.seccomp, ...(native?.subArchitectures ?? [])],
    syscalls: profile.syscalls.filter(applies).map(({ names: calls, action, args, errnoRet }) => ({
      names: calls,
      action,
      args: args ?? [],
      errnoRet,
    })),
  };
}

export interface BundleOptions {
  /** Directory that becomes the container's root. */
  readonly root: string;
  readonly argv: readonly string[];
  /** Absent: the runtime is told to leave cgroups alone, and no limits are asked for. */
  readonly cgroupsPath?: string | undefined;
  readonly seccomp?: ReturnType<typeof seccompSection> | undefined;
  /** What an engine adds: a directory with the files of name resolution; absent: nothing of it. */
  readonly engineFiles?: string | undefined;
}

const quiet = ["nosuid", "noexec", "nodev"];

const mounts = [
  { destination: "/proc", type: "proc", source: "proc", options: quiet },
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
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: [...quiet, "ro"] },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: [...quiet, "mode=1777", "size=65536k"],
  },
];

const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
];

const readonlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** What dockerd shows a container beside the file systems: where it is, and the names of the network. */
export const engineFileNames = ["resolv.conf", "hostname", "hosts"] as const;

const engineMounts = (directory: string) => [
  { destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options: [...quiet, "ro"] },
  ...engineFileNames.map((name) => ({
    destination: `/etc/${name}`,
    type: "bind",
    source: join(directory, name),
    options: ["rbind", "rprivate"],
  })),
];

const character = (major: number, minor: number | undefined, access = "rwm") => ({
  allow: true,
  type: "c",
  major,
  ...(minor === undefined ? {} : { minor }),
  access,
});

/** docker's rules (moby, oci/defaults.go): mknod of everything, use of the devices that are safe. */
const engineDevices = [
  { allow: false, access: "rwm" },
  { allow: true, type: "c", access: "m" },
  { allow: true, type: "b", access: "m" },
  ...[3, 5, 7, 8, 9].map((minor) => character(1, minor)),
  ...[0, 1, 2].map((minor) => character(5, minor)),
  character(136, undefined),
  character(10, 229),
];

/** A config.json (OCI runtime specification 1.0.2) with what floor.c does; no more unless asked for. */
export function ociConfig({ root, argv, cgroupsPath, seccomp, engineFiles }: BundleOptions) {
  const devices = engineFiles === undefined ? [{ allow: false, access: "rwm" }] : engineDevices;
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args: argv,
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 1024, hard: 1024 }],
      noNewPrivileges: true,
    },
    root: { path: root },
    hostname: "floor",
    mounts: engineFiles === undefined ? mounts : [...mounts, ...engineMounts(engineFiles)],
    linux: {
      namespaces: ["mount", "pid", "network", "ipc", "uts", "cgroup"].map((type) => ({ type })),
      ...(cgroupsPath === undefined ? {} : { cgroupsPath, resources: { devices } }),
      ...(seccomp === undefined ? {} : { seccomp }),
      maskedPaths,
      readonlyPaths,
    },
  };
}

/** Writes a bundle directory and returns its path. */
export function writeBundle(directory: string, options: BundleOptions): string {
  mkdirSync(directory);
  writeFileSync(join(directory, "config.json"), JSON.stringify(ociConfig(options)));
  return directory;
}
