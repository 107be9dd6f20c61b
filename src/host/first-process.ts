/** A container's first process, its lock and its freezer, as they are seen from outside. */

import { existsSync, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import { dirname } from "node:path";

export type FirstProcess = { readonly pid: number; readonly started: bigint };

const gone: ReadonlySet<unknown> = new Set(["ENOENT", "ENOTDIR", "ESRCH", "ENODEV"]);

/** A file's text; null when it, or the process or cgroup (ENODEV) that it is about, is gone. */
export function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code)) return null;
    throw error;
  }
}

/** proc_pid_stat(5): fields 3 and 22; the name before them may hold anything. */
function readStat(pid: number): { readonly state: string; readonly started: bigint } | null {
  const text = readIfThere(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", started: BigInt(fields[19] ?? 0) };
}

/**
 * The process that a file tells of, as long as it is there.
 *
 * @param file its pid and when it began, as the executor writes them (write_pid)
 */
export function readProcess(file: string): FirstProcess | null {
  const match = /^(\d+) (\d+)$/.exec(readIfThere(file) ?? "");
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const process = { pid: Number(match[1]), started: BigInt(match[2]) };
  const stat = readStat(process.pid);
  if (stat === null || stat.started !== process.started || /[ZX]/.test(stat.state)) return null;
  return process;
}

/** Whether a process has the directory open. */
function holds(pid: string, { dev, ino }: Stats): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const found = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      return found?.ino === ino && found.dev === dev;
    });
  } catch {
    return false; // it has ended
  }
}

/**
 * Whether somebody holds a directory's lock. proc_locks(5) names an inode and who locked it, but the
 * device not always as stat(2) does: so the holder is looked at.
 */
export function isLocked(directory: string): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const line = new RegExp(`FLOCK +\\w+ +\\w+ (\\d+) \\S+:${found.ino} `, "g");
  return [...(readIfThere("/proc/locks") ?? "").matchAll(line)].some(([, pid = ""]) =>
    holds(pid, found),
  );
}

/** Whether a cgroup can be frozen: in version 1's freezer, or in version 2. */
export const canFreeze = (cgroup: string): boolean =>
  ["freezer.state", "cgroup.freeze"].some((file) => existsSync(`${cgroup}/${file}`));

/** Parents whose cgroups cannot be frozen: in a hierarchy of version 1 all or none can. */
const neverFrozen = new Set<string>();

/** Whether one of these cgroups is frozen. */
export function isFrozen(cgroups: readonly string[]): boolean {
  return cgroups.some((cgroup) => {
    const parent = dirname(cgroup);
    if (neverFrozen.has(parent)) return false;
    const v1 = readIfThere(`${cgroup}/freezer.state`);
    if (v1 !== null) return v1 !== "THAWED\n";
    const v2 = readIfThere(`${cgroup}/cgroup.freeze`);
    // Not one that is gone: it tells nothing.
    if (v2 === null && existsSync(`${cgroup}/cgroup.procs`)) neverFrozen.add(parent);
    return v2 === "1\n";
  });
}
