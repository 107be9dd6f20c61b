/** Brings one layer into the store: its blob, and unpacked, in a single pass over its bytes. */

import { createHash } from "node:crypto";
import { lstat, mkdir, rename, rmdir } from "node:fs/promises";
import { type BlobWriter, type Content, checkContent, createBlob, hasBlob } from "./blob.ts";
import { keep } from "./blob-source.ts";
import { decompress, type ExpansionLimits } from "./decompress.ts";
import { codeOf, ImageError } from "./error.ts";
import { recordOf } from "./layer-entry.ts";
import { writeLayerSize } from "./layer-size.ts";
import { layerPath, type Store } from "./store.ts";
import { type TarEntry, TarReader } from "./tar-reader.ts";
import { temporaryName } from "./temporary.ts";
import { removeTrees, startUnpacker, type UnpackerOptions, type UnpackReport } from "./unpack.ts";
import { encodeRecord, makeRecord, type UnpackRecord } from "./unpack-record.ts";

/** A layer to bring in. */
export interface Layer {
  /** Its blob, as it came: digest and size are promises to be checked. */
  readonly blob: Content;
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Key of the unpacked layer: hex. */
  readonly chainId: string;
  /** Unpacked layers below, lowest first: absolute paths. */
  readonly lower: readonly string[];
  /** "layer 2 of 5 of …", for messages. */
  readonly name: string;
  /** An image of the store has been made of this blob, unpacked to this very layer. */
  readonly isProven?: boolean;
  /** Whoever is opened checks the blob and puts it into the store. */
  readonly isStored?: boolean;
  open(): AsyncIterable<Buffer>;
}

export interface LayerOptions extends UnpackerOptions {
  readonly limits: ExpansionLimits;
  /** Called as bytes of the blob are read: how many so far. */
  readonly onBytes?: (bytes: number) => void;
}

/** Counts and hashes what passes. */
class Meter {
  readonly #hash = createHash("sha256");
  size = 0;

  update(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.count(bytes);
  }

  /** For what somebody else hashes. */
  count(bytes: Uint8Array): void {
    this.size += bytes.length;
  }

  content(): Content {
    return { size: this.size, digest: `sha256:${this.#hash.digest("hex")}` };
  }
}

/** Content of at least this many bytes goes on as it is; less is gathered. */
const copyBelowBytes = 128 * 1024;
const gatherBytes = 512 * 1024;

/** Turns the bytes of a tar into the bytes of the unpacker's stream. */
export class LayerTranslator {
  #out: Buffer[] = [];
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  readonly #reader: TarReader;
  /** Bytes of the files so far, holes and what is overwritten later included. */
  fileBytes = 0;

  /** @param toRecord what an entry means; what it gives nothing for is left out */
  constructor(toRecord: (entry: TarEntry) => UnpackRecord | undefined = recordOf) {
    this.#reader = new TarReader({
      entry: (entry) => {
        const record = toRecord(entry);
        if (record !== undefined) this.#gather(encodeRecord(record));
        if (record?.type === "file") this.fileBytes += record.size;
        // The content of a whiteout, or of what is left out, is not sent.
        return record?.type === "file";
      },
      content: (bytes) => {
        if (bytes.length < copyBelowBytes) this.#gather(bytes);
        else {
          this.#flush();
          this.#out.push(bytes);
        }
      },
    });
  }

  /** Takes bytes of the tar and gives what is to be sent now. */
  push(bytes: Buffer): readonly Buffer[] {
    this.#reader.push(bytes);
    return this.#taken();
  }

  finish(): readonly Buffer[] {
    this.#reader.finish();
    this.#gather(encodeRecord(makeRecord({ type: "end" })));
    return this.#taken();
  }

  #gather(bytes: Buffer): void {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    if (this.#gatheredBytes >= gatherBytes) this.#flush();
  }

  #flush(): void {
    if (this.#gathered.length > 0) this.#out.push(Buffer.concat(this.#gathered));
    this.#gathered = [];
    this.#gatheredBytes = 0;
  }

  #taken(): readonly Buffer[] {
    this.#flush();
    const out = this.#out;
    this.#out = [];
    return out;
  }
}

async function* metered(
  layer: Layer,
  meter: Meter,
  blob: BlobWriter | undefined,
  onBytes: LayerOptions["onBytes"],
): AsyncGenerator<Buffer> {
  // A chunk is written while it is unpacked: the write is waited for before the next.
  let written: Promise<void> | undefined;
  try {
    for await (const chunk of layer.open()) {
      if (layer.isStored) meter.count(chunk);
      else meter.update(chunk);
      // No more than was promised is ever written or looked at.
      if (meter.size > layer.blob.size) {
        const { size } = layer.blob;
        throw new ImageError("digest-mismatch", `it has more bytes than the ${size} promised`);
      }
      await written;
      written = blob && keep(blob.write(chunk));
      onBytes?.(meter.size);
      yield chunk;
    }
    await written;
  } finally {
    await written?.catch(() => undefined);
  }
}

/** Unpacks into a temporary directory and checks every byte on the way. */
async function unpackInto(
  directory: string,
  layer: Layer,
  blob: BlobWriter | undefined,
  options: LayerOptions,
): Promise<{ readonly report: UnpackReport; readonly fileBytes: number }> {
  // A layer that is not compressed is hashed once: its blob is its tar.
  const [packed, plain] = [new Meter(), new Meter()];
  const translator = new LayerTranslator();
  const unpacker = startUnpacker(options, directory, layer.lower);
  const send = async (pieces: readonly Buffer[]) => {
    for (const piece of pieces) await unpacker.write(piece);
  };
  try {
    const source = metered(layer, packed, blob, options.onBytes);
    const compression = await decompress(source, options.limits, async (chunk, how) => {
      if (how !== "none" || layer.isStored) plain.update(chunk);
      await send(translator.push(chunk));
    });
    const content = layer.isStored
      ? { digest: layer.blob.digest, size: packed.size }
      : packed.content();
    checkContent(content, layer.blob, "its blob");
    const isTar = compression === "none" && !layer.isStored;
    const { digest, size } = isTar ? content : plain.content();
    checkContent({ digest, size }, { digest: layer.diffId, size }, `its tar (${layer.diffId})`);
    await send(translator.finish());
    return { report: await unpacker.finish(), fileBytes: translator.fileBytes };
  } catch (error) {
    await unpacker.abort();
    throw error;
  }
}

/**
 * Looks that a blob is one of the layer that is unpacked already, and copies it unless it is there.
 * A manifest may name any blob beside any diff_id: what runs would not be what was sent.
 */
async function proveBlob(
  layer: Layer,
  blob: BlobWriter | undefined,
  options: LayerOptions,
): Promise<void> {
  const [packed, plain] = [new Meter(), new Meter()];
  const source = metered(layer, packed, blob, options.onBytes);
  await decompress(source, options.limits, async (chunk) => plain.update(chunk));
  if (layer.isStored !== true) checkContent(packed.content(), layer.blob, "its blob");
  const { digest, size } = plain.content();
  checkContent({ digest, size }, { digest: layer.diffId, size }, `its tar (${layer.diffId})`);
  await blob?.commit(layer.blob.digest);
}

async function isUnpacked(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory();
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Puts an unpacked layer in its place. False: another process was first. */
async function place(temporary: string, path: string): Promise<boolean> {
  try {
    await rename(temporary, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function unpackLayer(
  store: Store,
  layer: Layer,
  blob: BlobWriter | undefined,
  options: LayerOptions,
): Promise<UnpackReport> {
  const temporary = `${store.root}/layers/${temporaryName()}`;
  await mkdir(temporary, { mode: 0o700 });
  let isPlaced = false;
  try {
    const { report, fileBytes } = await unpackInto(temporary, layer, blob, options);
    await blob?.commit(layer.blob.digest);
    await writeLayerSize(store, layer.chainId, fileBytes);
    isPlaced = await place(temporary, layerPath(store, layer.chainId));
    return report;
  } finally {
    if (!isPlaced) await discard(temporary, options);
  }
}

/** Removes what was not finished. Should that fail, it stays for the next prune: the reason why it
 * was not finished is the one to tell. */
async function discard(temporary: string, options: LayerOptions): Promise<void> {
  try {
    await rmdir(temporary); // the unpacker may never have started
  } catch {
    await removeTrees(options, [temporary]).catch(() => undefined);
  }
}

/** What had to be done for a layer. */
export type LayerOutcome =
  | { readonly state: "present" }
  | { readonly state: "copied" }
  | { readonly state: "unpacked"; readonly report: UnpackReport };

/**
 * Brings a layer into the store, doing only what is not done yet.
 *
 * @throws ImageError, its message begins with the layer's name
 */
export async function bringLayer(
  store: Store,
  layer: Layer,
  options: LayerOptions,
): Promise<LayerOutcome> {
  try {
    const [blobIsThere, unpackedIsThere] = await Promise.all([
      hasBlob(store, layer.blob),
      isUnpacked(layerPath(store, layer.chainId)),
    ]);
    if (unpackedIsThere && blobIsThere && layer.isProven) return { state: "present" };
    const blob = blobIsThere || layer.isStored ? undefined : await createBlob(store);
    try {
      if (unpackedIsThere) {
        await proveBlob(layer, blob, options);
        return { state: blobIsThere ? "present" : "copied" };
      }
      return { state: "unpacked", report: await unpackLayer(store, layer, blob, options) };
    } finally {
      await blob?.abort();
    }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.code, `${layer.name}: ${error.message}`, { cause: error });
  }
}

/**
 * Unpacks a layer again, beside its place, for as long as `use` takes.
 *
 * @throws ImageError when the blob is not what the layer is made of
 */
export async function unpackAside<T>(
  store: Store,
  layer: Layer,
  options: LayerOptions,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  const temporary = `${store.root}/layers/${temporaryName()}`;
  await mkdir(temporary, { mode: 0o700 });
  try {
    await unpackInto(temporary, layer, undefined, options);
    return await use(temporary);
  } finally {
    await discard(temporary, options);
  }
}
