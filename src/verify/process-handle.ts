/**
 * A hold on a process that is not trusted. The open directory /proc/PID belongs to that process as a
 * pidfd does: when it ends, nothing is read any more, whoever has its number then.
 *
 * Nothing that the process has made is opened: only what procfs says, and descriptors of directories
 * that cannot be read from (O_PATH), which ask no file system and so cannot be made to wait. What is
 * read is bounded.
 */

import {
  closeSync,
  constants,
  fstatSync,
  opendirSync,
  openSync,
  readlinkSync,
  readSync,
} from "node:fs";
import { WishError } from "../container/wish-error.ts";

/** open(2): not among the constants of Node. */
const O_PATH = 0o10000000;

/** Where a descriptor leads, without asking its file system: proc_pid_fdinfo(5). */
export type Whereabouts = {
  /** As in mountinfo. */
  readonly mount: number;
  /** 0 before Linux 5.14. */
  readonly inode: string;
  /** Of open(2). */
  readonly flags: number;
};

const isAbsence = (error: unknown): boolean =>
  ["ENOENT", "ESRCH", "ENOTDIR", "EINVAL", "ENXIO", "EOPNOTSUPP"].includes(
    (error as NodeJS.ErrnoException).code ?? "",
  );

/** At most `most` bytes of a file of procfs or of cgroups. */
export function readBounded(path: string, most: number): string {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const chunks: Buffer[] = [];
    for (let left = most; left > 0; ) {
      const chunk = Buffer.alloc(Math.min(left, 65536));
      const count = readSync(fd, chunk, 0, chunk.length, null);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      left -= count;
    }
    return Buffer.concat(chunks).toString("utf8");
  } finally {
    closeSync(fd);
  }
}

export function parseFdinfo(text: string): Whereabouts {
  const field = (name: string) => new RegExp(`^${name}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? "0";
  return {
    mount: Number(field("mnt_id")),
    inode: field("ino"),
    flags: Number.parseInt(field("flags"), 8),
  };
}

export class ProcessHandle {
  readonly pid: number;
  readonly #fd: number;

  /** @throws WishError when there is no such process */
  constructor(pid: number) {
    this.pid = pid;
    try {
      this.#fd = openSync(`/proc/${pid}`, O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch {
      throw new WishError([`there is no process ${pid}: \`ps -e\` lists them`]);
    }
  }

  /** Of one of its files in procfs. */
  path = (name: string): string => `/proc/self/fd/${this.#fd}/${name}`;

  /** A file's beginning; null when it is not there, or the process is gone. */
  read(name: string, most = 1 << 20): string | null {
    try {
      return readBounded(this.path(name), most);
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  link(name: string): string | null {
    try {
      return readlinkSync(this.path(name));
    } catch (error) {
      if (isAbsence(error)) return null;
      throw error;
    }
  }

  /** At most so many names of a directory of procfs. */
  names(name: string, most: number): string[] {
    const names: string[] = [];
    try {
      const directory = opendirSync(this.path(name));
      try {
        for (let each = directory.readSync(); each !== null; each = directory.readSync()) {
          names.push(each.name);
          if (names.length === most) break;
        }
      } finally {
        directory.closeSync();
      }
    } catch (error) {
      if (!isAbsence(error)) throw error;
    }
    return names;
  }

  /**
   * Where a directory is: `root`, `cwd` or `fd/3`, which lead there by themselves; or one in the root,
   * where no link is followed. Null when it is no directory, or nowhere.
   *
   * @param use what to do with the descriptor, which is closed afterwards
   */
  where<T>(name: string, use: (found: Whereabouts, fd: number) => T): T | null {
    const links = name.startsWith("root/") ? constants.O_NOFOLLOW : 0;
    let fd: number;
    try {
      fd = openSync(this.path(name), O_PATH | constants.O_DIRECTORY | links);
    } catch {
      return null;
    }
    try {
      return use(parseFdinfo(readBounded(`/proc/self/fdinfo/${fd}`, 4096)), fd);
    } finally {
      closeSync(fd);
    }
  }

  /**
   * Files of a process that is not dumpable are root's; proc(5).
   *
   * @param uid the process's
   */
  isDumpable(uid: number): boolean | null {
    return uid === 0 ? null : fstatSync(this.#fd).uid === uid;
  }

  /** @throws WishError when the process has ended meanwhile: what was read is of no process then */
  check(): void {
    if (this.read("stat") === null) throw new WishError([`process ${this.pid} has ended`]);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
