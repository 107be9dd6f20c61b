/** Where the blobs of an image come from: a directory, an archive, memory, or (elsewhere) a registry. */

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { whyOf } from "../host/file-error.ts";
import { checkContent, digestOf } from "./blob.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { type Descriptor, documentBytesMax } from "./manifest.ts";

export interface BlobSource {
  /** Its name in messages: "/images/busybox". */
  readonly name: string;
  /**
   * It puts layers into the store by itself, checked: they are there by the end of what open()
   * gives, or that ends with an error.
   */
  readonly storesLayers?: boolean;
  /** Told which layers the store lacks, in the order in which they will be opened: to begin with them. */
  expect?(layers: readonly Descriptor[]): void;
  /** The bytes of a blob. They are not to be trusted: who reads them checks them. */
  open(descriptor: Descriptor): AsyncIterable<Buffer>;
}

const chunkBytes = 256 * 1024;

/** Opens a regular file for reading; anything else, which could block or never end, is refused. */
export async function openRegular(path: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    const why = codeOf(cause);
    const code = why === "ENOENT" || why === "ENOTDIR" ? "not-found" : "unsupported";
    throw new ImageError(code, `cannot open ${quote(path)}: ${whyOf(cause)}`, { cause });
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new ImageError("unsupported", `${quote(path)} is not a regular file`);
}

/** Lets a promise be waited for later: should it fail before that, it is not taken for forgotten. */
export function keep<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

function readChunk(file: FileHandle, position: number, length: number) {
  const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, length));
  return keep(file.read(chunk, 0, chunk.length, position));
}

/** A stretch of an open file, in chunks that are the reader's to keep. One is read ahead. */
export async function* readRange(
  file: FileHandle,
  start: number,
  length: number,
): AsyncGenerator<Buffer> {
  if (length === 0) return;
  let next = readChunk(file, start, length);
  try {
    for (let done = 0; done < length; ) {
      const { bytesRead, buffer } = await next;
      if (bytesRead === 0) return;
      done += bytesRead;
      if (done < length) next = readChunk(file, start + done, length - done);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    // The file may be closed as soon as we are done.
    await next.catch(() => undefined);
  }
}

/** A whole file, as long as it is when it is opened. */
export async function* readFileInChunks(path: string): AsyncGenerator<Buffer> {
  const file = await openRegular(path);
  try {
    yield* readRange(file, 0, (await file.stat()).size);
  } finally {
    await file.close();
  }
}

/** Gathers a stream that must not be longer than `max` bytes. */
export async function gather(
  source: AsyncIterable<Buffer>,
  max: number,
  what: string,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of source) {
    length += chunk.length;
    if (length > max) throw new ImageError("invalid-image", `${what} is larger than ${max} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Reads and checks a manifest, index or config. */
export async function readDocument(
  source: BlobSource,
  descriptor: Descriptor,
  what: string,
): Promise<Buffer> {
  const { digest, size } = descriptor;
  if (size > documentBytesMax) {
    throw new ImageError("invalid-image", `${what} is larger than ${documentBytesMax} bytes`);
  }
  const bytes = await gather(source.open(descriptor), documentBytesMax, what);
  checkContent({ digest: digestOf(bytes), size: bytes.length }, { digest, size }, what);
  return bytes;
}

/** Blobs that are in memory. */
export function memorySource(name: string, blobs: readonly Uint8Array[]): BlobSource {
  const byDigest = new Map(blobs.map((bytes) => [digestOf(bytes), bytes]));
  return {
    name,
    async *open({ digest }) {
      const bytes = byDigest.get(digest);
      if (bytes === undefined) {
        throw new ImageError("not-found", `${name} has no blob ${digest}`);
      }
      yield Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
  };
}
