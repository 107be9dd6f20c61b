/** Finds the files inside a tar that lies on disk, and reads them where they are. */
import type { FileHandle } from "node:fs/promises";
import { readRange } from "./blob-source.ts";
import { ImageError, quote } from "./error.ts";
import { blockBytes, malformed, showBytes } from "./tar-header.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";

/** Read-only files by their path, as an OCI layout or `docker save` arranges them. */
export interface ImageFiles {
  /** Its name in messages. */
  readonly name: string;
  has(path: string): Promise<boolean>;
  size(path: string): Promise<number>;
  open(path: string): AsyncIterable<Buffer>;
}

type Found =
  | { readonly kind: "file"; readonly offset: number; readonly size: number }
  | { readonly kind: "link"; readonly to: string };

const entriesMax = 100_000;
const linksMax = 8;
const scanBytes = 64 * 1024;

/** "a/./b/../c" is "a/c"; undefined for what leads out. */
function normalise(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return undefined;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

/** What an entry is for whoever looks for files; undefined for what is of no use. */
function findable(entry: TarEntry, path: string): Found | undefined {
  if (entry.type === "file" && entry.segments.length === 0) {
    return { kind: "file", offset: 0, size: entry.stored };
  }
  if (entry.type === "hardlink") return { kind: "link", to: entry.link };
  if (entry.type !== "symlink") return undefined;
  const directory = path.slice(0, path.lastIndexOf("/") + 1);
  return { kind: "link", to: entry.link.startsWith("/") ? entry.link : directory + entry.link };
}

/** Collects files by their path as a reader comes by them. */
class Scan {
  readonly found = new Map<string, Found>();
  readonly reader: TarReader;
  #begun: string | undefined;

  constructor() {
    this.reader = new TarReader({
      entry: (entry) => this.#begin(entry),
      content: () => undefined,
    });
  }

  /** Takes one block of the archive, which ends at `offset`: there the content of an entry begins. */
  push(block: Buffer, offset: number): void {
    this.#begun = undefined;
    this.reader.push(block);
    const entry = this.#begun === undefined ? undefined : this.found.get(this.#begun);
    if (this.#begun !== undefined && entry?.kind === "file") {
      this.found.set(this.#begun, { ...entry, offset });
    }
  }

  #begin(entry: TarEntry): false {
    const path = normalise(entry.name);
    const found = path === undefined || path === "" ? undefined : findable(entry, path);
    if (path === undefined || found === undefined) return false;
    if (this.found.has(path)) throw malformed(`it has two files called ${showBytes(path)}`);
    if (this.found.size >= entriesMax) throw malformed(`it has more than ${entriesMax} files`);
    this.found.set(path, found);
    this.#begun = path;
    return false;
  }
}

/** Reads all headers and skips all content. */
async function scanArchive(file: FileHandle, size: number): Promise<ReadonlyMap<string, Found>> {
  const scan = new Scan();
  const { reader } = scan;
  const buffer = Buffer.alloc(scanBytes);
  for (let offset = 0; offset < size && !reader.isAtEnd; ) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, offset);
    if (bytesRead === 0) break;
    for (let at = 0; at < bytesRead && !reader.isAtEnd; ) {
      const end = Math.min(at + blockBytes, bytesRead);
      offset += end - at;
      scan.push(buffer.subarray(at, end), offset);
      const skipped = Math.min(reader.skippable, size - offset);
      reader.skip(skipped);
      offset += skipped;
      at = end + skipped;
    }
  }
  reader.finish();
  return scan.found;
}

/**
 * Indexes an archive. The file must stay open as long as the result is used.
 *
 * @param name in messages
 */
export async function indexArchive(file: FileHandle, name: string): Promise<ImageFiles> {
  const { size } = await file.stat();
  const found = await scanArchive(file, size);
  const look = (path: string) => {
    let at = normalise(path);
    for (let links = 0; links <= linksMax && at !== undefined; links++) {
      const entry = found.get(at);
      if (entry?.kind !== "link") return entry;
      at = normalise(entry.to);
    }
    return undefined;
  };
  const get = (path: string) => {
    const entry = look(path);
    if (entry !== undefined) return entry;
    throw new ImageError("not-found", `${name} has no file ${quote(path)}`);
  };
  return {
    name,
    has: async (path) => look(path) !== undefined,
    size: async (path) => get(path).size,
    async *open(path) {
      const { offset, size: length } = get(path);
      yield* readRange(file, offset, length);
    },
  };
}
