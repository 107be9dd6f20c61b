/**
 * Names for what is under construction in the store.
 *
 * A name holds the process that builds: its pid and the time it started, which
 * together are not given again until the next boot, and which boot and which PID
 * namespace that was. So what a crashed import left can be told from what a living
 * one is working on, also when that one is in a container with the same store.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, readlinkSync } from "node:fs";

export const temporaryPrefix = ".tmp-";

/** When a process started, in clock ticks after boot; undefined if it is gone or only a zombie. */
export function startTimeOf(pid: number | "self"): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // proc_pid_stat(5): the command may hold anything; what follows its last ")" is regular.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, startTime] = [fields[0], fields[19]];
  return state === "Z" || state === "X" ? undefined : startTime;
}

/** The first eight hex digits of this boot's ID; zeros where the kernel does not tell. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").slice(0, 8);
  } catch {
    return "00000000";
  }
}

/** The inode of our PID namespace: pids of others mean nothing here. */
function pidNamespace(): string {
  try {
    return /\d+/.exec(readlinkSync("/proc/self/ns/pid"))?.[0] ?? "0";
  } catch {
    return "0";
  }
}

/** A name that no other process and no later call gives. */
export function temporaryName(): string {
  const start = startTimeOf("self") ?? "0";
  const owner = `${process.pid}-${start}`;
  return `${temporaryPrefix}${owner}-${randomBytes(6).toString("hex")}-${bootId()}-${pidNamespace()}`;
}

const pattern = /^\.tmp-(\d{1,10})-(\d{1,20})-[0-9a-f]+(?:-([0-9a-f]{8})-(\d{1,12}))?$/;

/** The process that a temporary name says it belongs to; undefined if it is no such name. */
export function ownerOf(name: string): number | undefined {
  const pid = pattern.exec(name)?.[1];
  return pid === undefined ? undefined : Number(pid);
}

/**
 * Whether a name is a temporary one whose owner is no more. An owner of this boot in
 * another PID namespace cannot be seen from here and counts as living.
 */
export function isStale(name: string): boolean {
  const parts = pattern.exec(name);
  if (parts === null) return false;
  const [, pid, start, boot, namespace] = parts;
  if (boot !== undefined && boot !== bootId()) return true;
  if (namespace !== undefined && namespace !== pidNamespace()) return false;
  return startTimeOf(Number(pid)) !== start;
}
