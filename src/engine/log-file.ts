/**
 * Reads what `native/log.c` writes: the log of a container in the format of the CRI, a line for each
 * line of output, and the older files that rotation has put aside.
 *
 *     2026-11-26T11:00:00.000000000Z stdout F text
 *
 * A container may write on, and rotate, while it is read: files are opened from the newest to the
 * oldest, since that is the way they move, and known by their inodes.
 */

import { closeSync, fstatSync, openSync, readSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { listIfThere } from "../host/list-if-there.ts";
import { findTail } from "./log-tail.ts";

export type LogEntry = {
  /** RFC 3339 in UTC with nine digits: such times can be compared as texts. */
  readonly time: string;
  readonly stream: "stdout" | "stderr";
  /** Whether its line ends with it; else the next entry of the stream goes on. */
  readonly isWhole: boolean;
  /** Without the line's end. */
  readonly text: Buffer;
};

/** Where the parts of an entry are: the time and the stream have one length each. */
const timeLength = 30;
const streamAt = 31;
const tagAt = 38;
const textAt = 40;
const space = 0x20;
const newline = 0x0a;
const whole = 0x46;
const part = 0x50;
/** The first letter in which `stdout` and `stderr` differ. */
const letterAt = streamAt + 3;
const letterOfError = 0x65;

const chunkSize = 1 << 16;

/** The entry of a line, or null when it is none: cut short by a crash of the machine. */
export function parseEntry(line: Buffer): LogEntry | null {
  const tag = line[tagAt];
  const hasShape =
    line.length >= textAt &&
    line[timeLength] === space &&
    line[tagAt - 1] === space &&
    line[tagAt + 1] === space &&
    (tag === whole || tag === part);
  if (!hasShape) return null;
  return {
    time: line.toString("latin1", 0, timeLength),
    stream: line[letterAt] === letterOfError ? "stderr" : "stdout",
    isWhole: tag === whole,
    text: line.subarray(textAt),
  };
}

type OpenFile = { readonly fd: number; readonly inode: bigint; offset: number };

function openFile(path: string): OpenFile | null {
  try {
    const fd = openSync(path, "r");
    return { fd, inode: fstatSync(fd, { bigint: true }).ino, offset: 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** How many older files there may be; a rotation that was cut short may leave a gap. */
function oldestNumber(path: string): number {
  const prefix = `${basename(path)}.`;
  const numbers = listIfThere(dirname(path))
    .filter((name) => name.startsWith(prefix) && /^\d+$/.test(name.slice(prefix.length)))
    .map((name) => Number(name.slice(prefix.length)));
  return Math.max(0, ...numbers);
}

/** The log's files, the oldest first; only those that are newer than one, when that is given. */
function openFiles(path: string, after: bigint | null): OpenFile[] {
  const files: OpenFile[] = [];
  const oldest = oldestNumber(path);
  for (let number = 0; number <= oldest; number++) {
    const file = openFile(number === 0 ? path : `${path}.${number}`);
    if (file === null) continue;
    const isKnown = files.some(({ inode }) => inode === file.inode);
    if (isKnown || file.inode === after) closeSync(file.fd);
    if (file.inode === after) break;
    if (!isKnown) files.unshift(file);
  }
  return files;
}

export class LogReader {
  readonly #path: string;
  #files: OpenFile[];
  /** What was read of a line whose end was not yet there. */
  #rest: Buffer = Buffer.alloc(0);

  /**
   * @param tail how many lines of those that are there are read; null: all
   * @throws Error of node:fs; no log at all is an empty one, as long as its directory is there
   */
  constructor(path: string, tail: number | null) {
    this.#path = path;
    this.#files = openFiles(path, null);
    if (tail !== null) this.#skipTo(tail);
  }

  #skipTo(tail: number): void {
    let left = tail;
    for (const file of this.#files.toReversed()) {
      const { size } = fstatSync(file.fd);
      const found = findTail(file.fd, size, left, file === this.#files.at(-1));
      file.offset = found.offset;
      left = found.left;
    }
  }

  /** The next entries; none when all that is there has been read. */
  read(): LogEntry[] {
    for (;;) {
      const [file] = this.#files;
      if (file === undefined) {
        this.#files = openFiles(this.#path, null);
        if (this.#files.length === 0) return [];
        continue;
      }
      const chunk = this.#readChunk(file);
      if (chunk !== null) {
        const entries = this.#split(chunk);
        if (entries.length > 0) return entries;
        continue;
      }
      if (!this.#next(file)) return [];
    }
  }

  #readChunk(file: OpenFile): Buffer | null {
    // Made empty by somebody: from the beginning.
    if (fstatSync(file.fd).size < file.offset) file.offset = 0;
    const chunk = Buffer.allocUnsafe(chunkSize);
    const size = readSync(file.fd, chunk, 0, chunkSize, file.offset);
    file.offset += size;
    return size === 0 ? null : chunk.subarray(0, size);
  }

  /** Goes on to the file after this one, if there is one: then this one is complete. */
  #next(file: OpenFile): boolean {
    if (this.#files.length === 1) {
      const newer = openFiles(this.#path, file.inode);
      if (newer.length === 0) return false;
      this.#files.push(...newer);
      return true; // what was written just before the rotation is read first
    }
    closeSync(file.fd);
    this.#files.shift();
    this.#rest = Buffer.alloc(0);
    return true;
  }

  #split(chunk: Buffer): LogEntry[] {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    const entries: LogEntry[] = [];
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      const entry = parseEntry(bytes.subarray(start, end));
      if (entry !== null) entries.push(entry);
      start = end + 1;
    }
    this.#rest = bytes.subarray(start);
    return entries;
  }

  close(): void {
    for (const { fd } of this.#files) closeSync(fd);
    this.#files = [];
  }
}

/** How long it takes at most until what was written is seen, where nothing tells of it. */
const pollPeriod = 500;

/**
 * The entries as they come, in batches, until the container has ended and all is read.
 *
 * @param isOver asked now and then
 */
export async function* followLog(
  reader: LogReader,
  path: string,
  isOver: () => boolean,
): AsyncGenerator<readonly LogEntry[]> {
  let wake: () => void = () => {};
  const watcher = watch(dirname(path), () => wake());
  watcher.on("error", () => {}); // gone with the container: what is left is polled for
  try {
    for (;;) {
      const over = isOver(); // asked before the last look: nothing is written after it
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      for (let entries = reader.read(); entries.length > 0; entries = reader.read()) yield entries;
      if (over) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const timeUp = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, pollPeriod);
      });
      await Promise.race([changed, timeUp]);
      clearTimeout(timer);
    }
  } finally {
    watcher.close();
  }
}
