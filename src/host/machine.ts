/** What people ask of a machine when something does not work on it: for `info`. */

import { existsSync, readFileSync, statfsSync } from "node:fs";
import { arch, availableParallelism, cpus, hostname, release, totalmem } from "node:os";
import type { CgroupLayout } from "../planner/facts.ts";

export type Machine = {
  readonly kernel: string;
  /** `PRETTY_NAME` of os-release(5). */
  readonly operatingSystem: string;
  /** As `uname -m`. */
  readonly architecture: string;
  readonly cpus: number;
  /** In bytes. */
  readonly memory: number;
  readonly name: string;
};

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function operatingSystem(): string {
  const text = readIfThere("/etc/os-release") || readIfThere("/usr/lib/os-release");
  const found = /^PRETTY_NAME=(?:"([^"]*)"|'([^']*)'|(.*))$/m.exec(text);
  return found?.[1] ?? found?.[2] ?? found?.[3] ?? "unknown";
}

const architectures: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };

export const readMachine = (): Machine => ({
  kernel: release(),
  operatingSystem: operatingSystem(),
  architecture: architectures[arch()] ?? arch(),
  cpus: cpus().length || availableParallelism(),
  memory: totalmem(),
  name: hostname(),
});

/** Of statfs(2); names as docker has them. */
const fileSystems: Readonly<Record<number, string>> = {
  0xef53: "extfs",
  0x58465342: "xfs",
  0x9123683e: "btrfs",
  0x01021994: "tmpfs",
  0x2fc12fc1: "zfs",
  0x794c7630: "overlayfs",
  0xf2f52010: "f2fs",
  0x6969: "nfs",
};

/** The file system of a directory, or of the nearest one above that is there. */
export function fileSystemOf(path: string): string {
  for (let at = path; ; at = at.slice(0, at.lastIndexOf("/"))) {
    if (!existsSync(at || "/")) continue;
    const { type } = statfsSync(at || "/");
    return fileSystems[type] ?? `0x${type.toString(16)}`;
  }
}

const controllersOf = ({ v1, v2 }: CgroupLayout): ReadonlySet<string> =>
  new Set([...v1.flatMap(({ controllers }) => controllers), ...(v2?.controllers ?? [])]);

/** What containers cannot be given here, in docker's words where it has any. */
export function machineWarnings(layout: CgroupLayout): readonly string[] {
  const warnings: string[] = [];
  const has = controllersOf(layout);
  if (!has.has("memory")) warnings.push("No memory limit support");
  if (!has.has("cpu")) warnings.push("No cpu cfs quota support");
  if (!has.has("cpuset")) warnings.push("No cpuset support");
  if (!has.has("pids")) warnings.push("No pids limit support");
  if (!has.has("freezer") && layout.v2 === null)
    warnings.push("No freezer: containers cannot be paused");
  const memory = layout.v1.find(({ controllers }) => controllers.includes("memory"));
  if (memory !== undefined && !existsSync(`${memory.mount}/memory.memsw.limit_in_bytes`)) {
    warnings.push("No swap limit support");
  }
  return warnings;
}

/** Whether a security module is in force. */
export const isInForce = (module: "apparmor" | "selinux"): boolean =>
  module === "apparmor"
    ? readIfThere("/sys/module/apparmor/parameters/enabled").startsWith("Y")
    : existsSync("/sys/fs/selinux/policyvers");
