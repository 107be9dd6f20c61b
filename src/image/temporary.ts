/**
 * Names for what is under construction in the store.
 *
 * A name holds the process that builds: its pid and the time it started, which
 * together are not given again until the next boot. So what a crashed import left
 * can be told from what a living one is working on.
 */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";

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

/** A name that no other process and no later call gives. */
export function temporaryName(): string {
  const start = startTimeOf("self") ?? "0";
  return `${temporaryPrefix}${process.pid}-${start}-${randomBytes(6).toString("hex")}`;
}

/** Whether a name is a temporary one whose owner is no more. */
export function isStale(name: string): boolean {
  const parts = /^\.tmp-(\d{1,10})-(\d{1,20})-[0-9a-f]+$/.exec(name);
  if (parts === null) return false;
  return startTimeOf(Number(parts[1])) !== parts[2];
}
