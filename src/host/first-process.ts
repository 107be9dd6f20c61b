/** A container's first process, its lock and its freezer, as they are seen from outside. */

import {
  closeSync,
  constants,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readlinkSync,
} from "node:fs";
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

/** What a symbolic link names; null: there is none. */
export function readLinkIfThere(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (gone.has(code) || code === "EINVAL") return null;
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

/** open(2): to say where it is, and no more. */
const O_PATH = 0o10000000;

/**
 * A directory as proc_locks(5) names it. Its device is that of the file system, which stat(2) does not
 * always say. Null: it is not there.
 */
function nameInLocks(directory: string): string | null {
  let fd: number;
  try {
    fd = openSync(directory, O_PATH | constants.O_DIRECTORY);
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code)) return null;
    throw error;
  }
  try {
    const info = readIfThere(`/proc/self/fdinfo/${fd}`) ?? "";
    // Since Linux 5.14; before, as stat(2) has it.
    const inode = /^ino:\s*(\d+)$/m.exec(info)?.[1] ?? fstatSync(fd, { bigint: true }).ino;
    const mount = /^mnt_id:\s*(\d+)$/m.exec(info)?.[1];
    const line = new RegExp(`^${mount} \\d+ (\\d+):(\\d+) `, "m");
    const device = line.exec(readIfThere("/proc/self/mountinfo") ?? "")?.slice(1);
    const numbers = device?.map((each) => Number(each).toString(16).padStart(2, "0"));
    return `${numbers?.join(":") ?? "\\S+"}:${inode}`;
  } finally {
    closeSync(fd);
  }
}

/**
 * Whether somebody holds a directory's lock. Who holds it is not looked at: it may be a container's
 * process, and its descriptors lead to file systems that never answer.
 */
export function isLocked(directory: string): boolean {
  const name = nameInLocks(directory);
  if (name === null) return false;
  return new RegExp(`FLOCK +\\w+ +\\w+ \\d+ ${name} `).test(readIfThere("/proc/locks") ?? "");
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
