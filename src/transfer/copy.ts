/** Copies files from one root to another: a packer there, an unpacker here, and names between them. */

import { LayerTranslator } from "../image/layer.ts";
import { plainRecordOf } from "../image/layer-entry.ts";
import type { TarEntry } from "../image/tar-reader.ts";
import { type UnpackRecord, unpackMagic } from "../image/unpack-record.ts";
import type { Plan } from "../plan/op.ts";
import { nameCopies } from "./copy-rules.ts";
import { cutShort, TransferError, type Trouble } from "./report.ts";
import { type Place, startPacker, startUnpacker, type Unpacker } from "./worker.ts";

/** What becomes of owners and of what comes with them. */
export type Owners =
  /** All as at the source, with set-user-ID, capabilities and devices. */
  | { readonly kind: "kept" }
  /** Everything is this user's. */
  | {
      readonly kind: "given";
      readonly uid: number;
      readonly gid: number;
      readonly trusts: boolean;
    };

/** Where what is copied goes. */
export type Destination = {
  readonly plan: Plan;
  /** As it was given. */
  readonly path: string;
  /** For messages. */
  readonly subject: string;
};

export type Source = {
  readonly plan: Plan;
  /** What the top is called in the archive; empty: `.`. */
  readonly name: string;
  readonly subject: string;
};

export type CopyOptions = {
  readonly owners: Owners;
  /** Bytes so far, as a plain tar would have them. */
  readonly onBytes?: (bytes: number) => void;
};

export type Copied = {
  readonly bytes: number;
  /** Left out: the first of them, and how many there are. */
  readonly skips: readonly Trouble[];
  readonly skipped: number;
};

const blocks = (bytes: number): number => Math.ceil(bytes / 512) * 512;
const setIds = 0o6000;
const capability = "security.capability";

/** Applies what the destination's naming and the owners say to each entry. */
class Adjuster {
  readonly #owners: Owners;
  #rename: ((path: string) => string) | undefined;
  bytes = 1024; // the end of an archive
  entries = 0;
  readonly skips: Trouble[] = [];
  skipped = 0;

  constructor(owners: Owners) {
    this.#owners = owners;
  }

  /** From now on the first part of names, which is `from`, or all of them if that is empty, is another. */
  rename(from: string, to: string): void {
    this.#rename = (path) => {
      if (from === "") return path === "" ? to : `${to}/${path}`;
      return `${to}${path.slice(from.length)}`;
    };
  }

  #skip(entry: TarEntry, words: string): undefined {
    this.skipped++;
    if (this.skips.length < 16) this.skips.push({ errno: "EPERM", words, path: entry.name });
  }

  record(entry: TarEntry): UnpackRecord | undefined {
    this.entries++;
    this.bytes += 512 + blocks(entry.stored);
    const record = this.#owned(entry);
    if (record === undefined || this.#rename === undefined) return record;
    const rename = this.#rename;
    const link = record.type === "hardlink" ? rename(record.link) : record.link;
    return { ...record, path: rename(record.path), link };
  }

  #owned(entry: TarEntry): UnpackRecord | undefined {
    const record = plainRecordOf(entry);
    if (this.#owners.kind === "kept") return record;
    const { uid, gid, trusts } = this.#owners;
    if (trusts) return { ...record, uid, gid };
    // A container's set-user-ID program or device would be one of the caller's, on the host.
    if (record.type === "character" || record.type === "block") {
      return this.#skip(entry, "a container's device is copied to this machine only with -a");
    }
    const mode = record.type === "file" ? record.mode & ~setIds : record.mode;
    const xattrs = record.xattrs.has(capability)
      ? new Map([...record.xattrs].filter(([name]) => name !== capability))
      : record.xattrs;
    return { ...record, uid, gid, mode, xattrs };
  }
}

async function send(unpacker: Unpacker, pieces: readonly Buffer[]): Promise<void> {
  for (const piece of pieces) await unpacker.write(piece);
}

/** Hands the pieces of an archive over, one after the other. */
export type Feed = (push: (chunk: Buffer) => Promise<void>) => Promise<void>;

const feedOf =
  (archive: AsyncIterable<Buffer>): Feed =>
  async (push) => {
    for await (const chunk of archive) await push(chunk);
  };

/** Feeds an archive to an unpacker whose place is known. */
async function pump(
  feed: Feed,
  unpacker: Unpacker,
  translator: LayerTranslator,
  onChunk: () => void,
): Promise<void> {
  await unpacker.write(Buffer.from(unpackMagic, "latin1"));
  await feed(async (chunk) => {
    await send(unpacker, translator.push(chunk));
    onChunk();
  });
  await send(unpacker, translator.finish());
}

/** The first entry is what was asked for: then it is known whether that is a directory. */
function checkNaming(
  adjuster: Adjuster,
  first: TarEntry,
  place: Place,
  source: Source,
  destination: Destination,
): void {
  const naming = nameCopies(first.type === "directory", place, destination.path);
  if (naming.kind === "refused") {
    throw new TransferError(
      `cannot copy ${source.subject} to ${destination.subject}: ${naming.why}`,
    );
  }
  if (naming.kind === "renamed") adjuster.rename(source.name, naming.to);
}

/**
 * Copies what a packer packs to where an unpacker puts it.
 *
 * @throws TransferError in one line; then nothing that was begun is left, but what was complete stays
 */
export async function copyFiles(
  source: Source,
  destination: Destination,
  { owners, onBytes }: CopyOptions,
): Promise<Copied> {
  const packer = startPacker(source.plan, source.subject, "pipe");
  const unpacker = startUnpacker(destination.plan, destination.subject);
  const adjuster = new Adjuster(owners);
  try {
    const place = await unpacker.place;
    let isFirst = true;
    const translator = new LayerTranslator((entry) => {
      if (isFirst) checkNaming(adjuster, entry, place, source, destination);
      isFirst = false;
      return adjuster.record(entry);
    });
    const feed = feedOf((packer.stdout ?? []) as AsyncIterable<Buffer>);
    const pumped = pump(feed, unpacker, translator, () => onBytes?.(adjuster.bytes));
    // When the packer fails, its archive ends early: why it did is what is to be told.
    const packed = await pumped.then(
      () => packer.done,
      async (error: unknown) => {
        if (isFirst) await packer.done;
        throw error;
      },
    );
    if (packed.entries !== adjuster.entries) throw cutShort(source.subject);
    await unpacker.finish();
    return {
      bytes: adjuster.bytes,
      skips: [...packed.skips, ...adjuster.skips],
      skipped: packed.skipped + adjuster.skipped,
    };
  } catch (error) {
    await Promise.all([packer.abort(), unpacker.abort()]);
    throw error;
  }
}

/**
 * Unpacks somebody's archive into a directory.
 *
 * @throws TransferError, ImageError in one line
 */
export async function copyArchive(
  feed: Feed,
  destination: Destination,
  { owners, onBytes }: CopyOptions,
): Promise<Copied> {
  const unpacker = startUnpacker(destination.plan, destination.subject);
  const adjuster = new Adjuster(owners);
  try {
    const place = await unpacker.place;
    if (place.kind !== "dir") {
      throw new TransferError(`${destination.subject} must be a directory that is there`);
    }
    const translator = new LayerTranslator((entry) => adjuster.record(entry));
    await pump(feed, unpacker, translator, () => onBytes?.(adjuster.bytes));
    await unpacker.finish();
    return { bytes: adjuster.bytes, skips: adjuster.skips, skipped: adjuster.skipped };
  } catch (error) {
    await unpacker.abort();
    throw error;
  }
}
