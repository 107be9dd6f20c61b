/**
 * Reads a tar stream as its bytes come, in bounded memory whatever they claim.
 *
 * It follows Go's archive/tar wherever formats leave a choice, since that is what
 * wrote nearly all images and reads them elsewhere: one archive must not mean two
 * things.
 */
import { ImageError } from "./error.ts";
import {
  blockBytes,
  isZeroBlock,
  malformed,
  parseTarHeader,
  readNumber,
  showBytes,
  type TarHeader,
} from "./tar-header.ts";
import { emptyPaxFields, type PaxFields, parsePax } from "./tar-pax.ts";
import {
  checkSparseMap,
  parseSparseList,
  readOldSparse,
  SparseMapReader,
  type SparseSegment,
  sparseSegmentsMax,
} from "./tar-sparse.ts";

export type TarEntryType =
  | "file"
  | "directory"
  | "symlink"
  | "hardlink"
  | "character"
  | "block"
  | "fifo";

/** An entry. Strings have one character per byte. */
export interface TarEntry {
  readonly type: TarEntryType;
  readonly name: string;
  /** Where a link leads. */
  readonly link: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtimeSeconds: number;
  readonly mtimeNanoseconds: number;
  /** Bytes of the file; 0 for anything else. */
  readonly size: number;
  /** Bytes of content that follow in the archive: fewer than `size` for a sparse file. */
  readonly stored: number;
  readonly segments: readonly SparseSegment[];
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  readonly xattrs: ReadonlyMap<string, string>;
}

export interface TarHandler {
  /** An entry begins. True: its content is wanted. */
  entry(entry: TarEntry): boolean;
  /** A piece of the entry's content, valid only during the call unless the chunk it is of is. */
  content(bytes: Buffer): void;
}

/** Bytes of an extended header, of a long name or of a sparse map that are held at most. */
const extensionBytesMax = 1024 * 1024;

const entryTypes: Readonly<Record<string, TarEntryType>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

type State = "header" | "extension" | "old-sparse" | "sparse-map" | "content" | "end";

export class TarReader {
  readonly #handler: TarHandler;
  #state: State = "header";
  /** A block that is not complete yet. */
  readonly #partial = Buffer.alloc(blockBytes);
  #partialLength = 0;

  #extension: { readonly type: string; readonly bytes: Buffer; length: number } | undefined;
  /** An extension has been read whose entry has not. */
  #awaitsEntry = false;
  #pax: PaxFields = emptyPaxFields();
  #longName: string | undefined;
  #longLink: string | undefined;

  #header: TarHeader | undefined;
  #segments: SparseSegment[] = [];
  #map: SparseMapReader | undefined;
  #realSize: number | undefined;

  /** Bytes of the entry's content still to come, and of the filling after it. */
  #left = 0;
  #filling = 0;
  #wanted = false;
  #sawZeroBlock = false;

  constructor(handler: TarHandler) {
    this.#handler = handler;
  }

  /** Whether the archive's end marker has been read: what follows means nothing. */
  get isAtEnd(): boolean {
    return this.#state === "end";
  }

  /** How many of the next bytes are content that nobody wants, which a caller that can seek may skip. */
  get skippable(): number {
    return this.#state === "content" && !this.#wanted ? this.#left + this.#filling : 0;
  }

  /** Says that this many skippable bytes will not be pushed. */
  skip(bytes: number): void {
    if (bytes === 0) return;
    if (bytes > this.skippable) throw new RangeError(`skip(${bytes}) of ${this.skippable}`);
    const ofContent = Math.min(bytes, this.#left);
    this.#left -= ofContent;
    this.#filling -= bytes - ofContent;
    this.#endContent();
  }

  /** Takes the next bytes of the archive, in pieces of any size. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#state !== "end"; ) {
      if (this.#state === "content") at = this.#pushContent(chunk, at);
      else if (this.#state === "extension") at = this.#pushExtension(chunk, at);
      else at = this.#pushBlock(chunk, at);
    }
  }

  /**
   * Says that the archive has ended. An end without the marker is accepted, and one in the
   * filling of a block, as umoci's are; one inside an entry is not.
   */
  finish(): void {
    const isFilling = this.#state === "content" && this.#left === 0;
    const isBetween = isFilling || (this.#state === "header" && this.#partialLength === 0);
    if (this.#state === "end" || (isBetween && !this.#awaitsEntry)) return;
    const name = this.#header === undefined ? "" : ` in ${showBytes(this.#header.name)}`;
    throw malformed(`it ends early${name}`);
  }

  #pushContent(chunk: Buffer, at: number): number {
    if (this.#left > 0) {
      const end = Math.min(chunk.length, at + this.#left);
      this.#left -= end - at;
      if (this.#wanted) this.#handler.content(chunk.subarray(at, end));
      this.#endContent();
      return end;
    }
    const filled = Math.min(chunk.length - at, this.#filling);
    this.#filling -= filled;
    this.#endContent();
    return at + filled;
  }

  #endContent(): void {
    if (this.#left === 0 && this.#filling === 0) this.#state = "header";
  }

  #pushExtension(chunk: Buffer, at: number): number {
    const extension = this.#extension;
    if (extension === undefined) throw malformed("an extension is nowhere");
    const padded = Math.ceil(extension.bytes.length / blockBytes) * blockBytes;
    const end = Math.min(chunk.length, at + padded - extension.length);
    // What lies beyond the buffer is filling, which copy() leaves out.
    if (extension.length < extension.bytes.length) {
      chunk.copy(extension.bytes, extension.length, at, end);
    }
    extension.length += end - at;
    if (extension.length === padded) {
      this.#state = "header";
      this.#endExtension(extension.type, extension.bytes);
    }
    return end;
  }

  #endExtension(type: string, bytes: Buffer): void {
    // A global header is for all entries that follow; like other engines we do not heed it.
    if (type === "g") return;
    this.#awaitsEntry = true;
    if (type === "x") {
      this.#pax = emptyPaxFields();
      parsePax(bytes, this.#pax);
      return;
    }
    const end = bytes.indexOf(0);
    const name = bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
    if (type === "L") this.#longName = name;
    else this.#longLink = name;
  }

  #pushBlock(chunk: Buffer, at: number): number {
    if (this.#partialLength === 0 && chunk.length - at >= blockBytes) {
      this.#takeBlock(chunk.subarray(at, at + blockBytes));
      return at + blockBytes;
    }
    const end = Math.min(chunk.length, at + blockBytes - this.#partialLength);
    chunk.copy(this.#partial, this.#partialLength, at, end);
    this.#partialLength += end - at;
    if (this.#partialLength === blockBytes) {
      this.#partialLength = 0;
      this.#takeBlock(this.#partial);
    }
    return end;
  }

  #takeBlock(block: Buffer): void {
    if (this.#state === "header") this.#takeHeader(block);
    else if (this.#state === "old-sparse") this.#takeOldSparse(block);
    else this.#takeSparseMap(block);
  }

  #takeHeader(block: Buffer): void {
    if (isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#state = "end";
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw malformed("an entry follows a block of zeros");
    const header = parseTarHeader(block);
    if (header.size < 0) throw malformed(`the size of ${showBytes(header.name)} is negative`);
    if (["x", "g", "L", "K"].includes(header.type)) {
      this.#beginExtension(header);
      return;
    }
    this.#header = header;
    this.#segments = [];
    this.#map = undefined;
    this.#realSize = undefined;
    if (header.type === "S") this.#beginOldSparse(block);
    else if (this.#pax.sparse.get("major") === "1" && entryTypes[header.type] === "file") {
      this.#beginSparseMap();
    } else this.#beginEntry();
  }

  #beginExtension(header: TarHeader): void {
    if (header.size > extensionBytesMax) {
      throw malformed(
        `an extended header of ${header.size} bytes is larger than ${extensionBytesMax}`,
      );
    }
    const bytes = Buffer.alloc(header.size);
    this.#extension = { type: header.type, bytes, length: 0 };
    if (header.size > 0) this.#state = "extension";
    else this.#endExtension(header.type, bytes);
  }

  /** Where the content is, by the header and what overrules it. */
  #size(header: TarHeader): number {
    return this.#pax.size ?? header.size;
  }

  #beginOldSparse(block: Buffer): void {
    this.#segments = readOldSparse(block, 386, 4);
    this.#realSize = readNumber(block, 483, 12, "the size of a sparse file");
    if (block[482] === 0) this.#beginEntry();
    else this.#state = "old-sparse";
  }

  #takeOldSparse(block: Buffer): void {
    for (const segment of readOldSparse(block, 0, 21)) this.#segments.push(segment);
    if (this.#segments.length > sparseSegmentsMax) {
      throw malformed(`a sparse file has more than ${sparseSegmentsMax} segments`);
    }
    if (block[504] === 0) this.#beginEntry();
  }

  #beginSparseMap(): void {
    this.#map = new SparseMapReader();
    this.#left = this.#header === undefined ? 0 : this.#size(this.#header);
    this.#state = "sparse-map";
  }

  #takeSparseMap(block: Buffer): void {
    this.#left -= blockBytes;
    if (this.#left < 0) throw malformed("the map of a sparse file is longer than its content");
    if (this.#map?.push(block) !== true) return;
    this.#segments = [...this.#map.segments];
    this.#beginEntry();
  }

  #beginEntry(): void {
    const header = this.#header;
    if (header === undefined) throw malformed("an entry has no header");
    const entry = this.#describe(header, this.#map === undefined ? this.#size(header) : this.#left);
    this.#pax = emptyPaxFields();
    this.#longName = undefined;
    this.#longLink = undefined;
    this.#awaitsEntry = false;
    this.#wanted = this.#handler.entry(entry);
    this.#left = entry.stored;
    this.#filling = (blockBytes - (entry.stored % blockBytes)) % blockBytes;
    this.#state = "content";
    this.#endContent();
  }

  #describe(header: TarHeader, stored: number): TarEntry {
    const pax = this.#pax;
    const name = this.#longName ?? pax.sparse.get("name") ?? pax.path ?? header.name;
    const flagged = Object.hasOwn(entryTypes, header.type) ? entryTypes[header.type] : undefined;
    if (flagged === undefined) {
      const why = `entry ${showBytes(name)} has the type ${showBytes(header.type)}, which images do not have`;
      throw new ImageError("unsupported", why);
    }
    // Archives older than ustar know directories by the slash at their end.
    const type = flagged === "file" && name.endsWith("/") ? "directory" : flagged;
    const isFile = type === "file";
    if (!isFile && flagged === "file" && (this.#map ?? this.#realSize) !== undefined) {
      throw malformed(`the sparse file ${showBytes(name)} is called like a directory`);
    }
    const sparse = isFile ? this.#sparse(stored) : undefined;
    return {
      type,
      name,
      link: this.#longLink ?? pax.link ?? header.link,
      mode: header.mode & 0o7777,
      uid: pax.uid ?? header.uid,
      gid: pax.gid ?? header.gid,
      mtimeSeconds: pax.mtimeSeconds ?? header.mtime,
      mtimeNanoseconds: pax.mtimeNanoseconds ?? 0,
      size: isFile ? (sparse?.size ?? stored) : 0,
      stored: isFile ? stored : 0,
      segments: sparse?.segments ?? [],
      deviceMajor: header.deviceMajor,
      deviceMinor: header.deviceMinor,
      xattrs: pax.xattrs,
    };
  }

  #sparse(stored: number): { size: number; segments: readonly SparseSegment[] } | undefined {
    const { sparse, sparseSegments } = this.#pax;
    const list = sparse.get("map");
    const claimed = sparse.get("realsize") ?? sparse.get("size");
    if (claimed !== undefined && !/^\d{1,15}$/.test(claimed)) {
      throw malformed(`the size of a sparse file is ${showBytes(claimed)}, not a number`);
    }
    const size = claimed === undefined ? this.#realSize : Number(claimed);
    if (size === undefined) return undefined;
    if (sparseSegments.length > sparseSegmentsMax) {
      throw malformed(`a sparse file has more than ${sparseSegmentsMax} segments`);
    }
    const segments =
      list !== undefined
        ? parseSparseList(list)
        : sparseSegments.length > 0
          ? sparseSegments
          : this.#segments;
    return { size, segments: checkSparseMap(segments, size, stored) };
  }
}
