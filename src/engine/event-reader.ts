/** Reads the file of events, and the one that was put aside before it; how they are written: events.ts. */

import { closeSync, fstatSync, openSync, readSync, statSync, watch } from "node:fs";
import { dirname } from "node:path";

export type EngineEvent = {
  /** Nanoseconds since 1970. */
  readonly time: bigint;
  /** `container`, `volume`. */
  readonly type: string;
  /** `start`, `exec_start: ls /`. */
  readonly action: string;
  readonly id: string;
  readonly attributes: Readonly<Record<string, string>>;
};

function readAttributes(text: string): Readonly<Record<string, string>> | null {
  try {
    const read: unknown = JSON.parse(text);
    if (typeof read !== "object" || read === null) return null;
    return Object.fromEntries(Object.entries(read).map(([name, value]) => [name, String(value)]));
  } catch {
    return null;
  }
}

function decoded(action: string): string {
  try {
    return decodeURI(action);
  } catch {
    return action;
  }
}

/** The event of a line, or null when it is none: cut short by a full disk. */
export function parseEvent(line: string): EngineEvent | null {
  const match = /^(\d+) (\S+) (\S+) (\S+) (\{.*\})(?: (\d+))?$/s.exec(line);
  const attributes = readAttributes(match?.[5] ?? "");
  if (match === null || attributes === null) return null;
  const [, time = "0", type = "", action = "", id = "", , code] = match;
  return {
    time: BigInt(time),
    type,
    action: decoded(action),
    id,
    attributes: code === undefined ? attributes : { ...attributes, exitCode: code },
  };
}

type OpenFile = { readonly fd: number; readonly inode: bigint; offset: number; rest: Buffer };

function openFile(path: string): OpenFile | null {
  try {
    const fd = openSync(path, "r");
    return { fd, inode: fstatSync(fd, { bigint: true }).ino, offset: 0, rest: Buffer.alloc(0) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

const newline = 0x0a;

/** The whole lines that have come since the last look. */
function readLines(file: OpenFile): string[] {
  const chunks = [file.rest];
  for (;;) {
    const chunk = Buffer.allocUnsafe(1 << 16);
    const size = readSync(file.fd, chunk, 0, chunk.length, file.offset);
    if (size === 0) break;
    file.offset += size;
    chunks.push(chunk.subarray(0, size));
  }
  const bytes = Buffer.concat(chunks);
  const end = bytes.lastIndexOf(newline) + 1;
  file.rest = bytes.subarray(end);
  return end === 0 ? [] : bytes.toString("utf8", 0, end - 1).split("\n");
}

/** Gives all events that are there, and then those that have come since. */
export class EventReader {
  readonly #path: string;
  #file: OpenFile | null = null;
  #begun = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** @throws Error of node:fs; no file at all is an empty one */
  read(): EngineEvent[] {
    const lines: string[] = [];
    if (!this.#begun) {
      this.#begun = true;
      // In this order: what is put aside meanwhile is read twice rather than not at all.
      const current = openFile(this.#path);
      const aside = openFile(`${this.#path}.1`);
      if (aside !== null) {
        if (aside.inode !== current?.inode) lines.push(...readLines(aside));
        closeSync(aside.fd);
      }
      this.#file = current;
    }
    this.#file ??= openFile(this.#path);
    if (this.#file !== null) lines.push(...readLines(this.#file));
    while (this.#wasPutAside()) lines.push(...this.#next());
    return lines.flatMap((line) => parseEvent(line) ?? []);
  }

  #wasPutAside(): boolean {
    const found = statSync(this.#path, { throwIfNoEntry: false, bigint: true });
    return this.#file !== null && found !== undefined && found.ino !== this.#file.inode;
  }

  /** What was still written to the old file, and the new one. */
  #next(): string[] {
    const old = this.#file;
    const last = old === null ? [] : readLines(old);
    this.close();
    this.#file = openFile(this.#path);
    return this.#file === null ? last : [...last, ...readLines(this.#file)];
  }

  close(): void {
    if (this.#file !== null) closeSync(this.#file.fd);
    this.#file = null;
  }
}

/** How long it takes at most until an event is seen where nothing tells of it. */
const pollPeriod = 500;

/**
 * Events as they come, in batches.
 *
 * @param until milliseconds since 1970: then it ends; null: never
 */
export async function* followEvents(
  path: string,
  until: number | null,
): AsyncGenerator<readonly EngineEvent[]> {
  const reader = new EventReader(path);
  let wake: () => void = () => {};
  const watcher = watchIfThere(dirname(path), () => wake());
  try {
    for (;;) {
      const left = until === null ? pollPeriod : Math.min(pollPeriod, until - Date.now());
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      yield reader.read();
      if (left <= 0) return;
      let timer: ReturnType<typeof setTimeout> | undefined;
      const timeUp = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, left);
      });
      await Promise.race([changed, timeUp]);
      clearTimeout(timer);
    }
  } finally {
    watcher?.close();
    reader.close();
  }
}

/** Without it events are polled for: there may be no run root yet. */
function watchIfThere(directory: string, onChange: () => void) {
  try {
    const watcher = watch(directory, onChange);
    watcher.on("error", () => {}); // the directory is gone
    return watcher;
  } catch {
    return null;
  }
}
