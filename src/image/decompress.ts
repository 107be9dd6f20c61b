/** Decompresses layers and archives as they stream, within limits. What they are is told by their bytes. */
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import * as zlib from "node:zlib";
import { codeOf, ImageError } from "./error.ts";
import { malformed } from "./tar-header.ts";
import { ZstdFrames } from "./zstd-frames.ts";

export type Compression = "none" | "gzip" | "zstd";

/** What a stream may grow to. */
export interface ExpansionLimits {
  /** Bytes after decompression, at most. */
  readonly expandedBytes: number;
  /** Bytes that one compressed byte may become, once there are more than `ratioFreeBytes`. */
  readonly ratio: number;
  readonly ratioFreeBytes: number;
}

export const defaultLimits: ExpansionLimits = {
  expandedBytes: 64 * 1024 ** 3,
  ratio: 500,
  ratioFreeBytes: 1024 ** 3,
};

const outputChunkBytes = 256 * 1024;
const magicBytes = 4;

export function compressionOf(bytes: Uint8Array): Compression {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  if (bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd && bytes[0] === 0x28)
    return "zstd";
  // A stream may begin with a skippable frame: zstd's parallel and seekable writers do so.
  const isSkippable = bytes[1] === 0x2a && bytes[2] === 0x4d && bytes[3] === 0x18;
  return isSkippable && ((bytes[0] ?? 0) & 0xf0) === 0x50 ? "zstd" : "none";
}

/** Reads ahead until the magic number is complete; gives all of the stream back. */
async function peek(
  source: AsyncIterable<Buffer>,
): Promise<{ head: Buffer; all: AsyncGenerator<Buffer> }> {
  const iterator = source[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  while (head.length < magicBytes) {
    const next = await iterator.next();
    if (next.done) break;
    head = head.length === 0 ? next.value : Buffer.concat([head, next.value]);
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      if (head.length > 0) yield head;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) {
        yield next.value;
      }
    } finally {
      await iterator.return?.();
    }
  }
  return { head, all: all() };
}

async function* counted(
  source: AsyncIterable<Buffer>,
  count: (bytes: Buffer) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of source) {
    count(chunk);
    yield chunk;
  }
}

function createDecompressor(compression: "gzip" | "zstd"): zlib.Gunzip | zlib.ZstdDecompress {
  if (compression === "gzip") return zlib.createGunzip({ chunkSize: outputChunkBytes });
  // Missing before Node 22.15.
  if (typeof zlib.createZstdDecompress !== "function") {
    throw new ImageError(
      "unsupported",
      `this runtime (${process.version}) cannot decompress zstd: use Node 22.15 or later, or Bun`,
    );
  }
  return zlib.createZstdDecompress({ chunkSize: outputChunkBytes });
}

function refuseExpansion(expanded: number, compressed: number, limits: ExpansionLimits): void {
  if (expanded > limits.expandedBytes) {
    throw new ImageError(
      "limit",
      `it has more than ${limits.expandedBytes} bytes when decompressed`,
    );
  }
  if (expanded > limits.ratioFreeBytes && expanded > compressed * limits.ratio) {
    throw new ImageError(
      "limit",
      `${compressed} bytes of it became ${expanded}, more than ${limits.ratio} for one: it looks like a bomb`,
    );
  }
}

/** Node 22 stops after one frame. */
function readsAllFrames(): boolean {
  const frame = zlib.zstdCompressSync("a");
  return zlib.zstdDecompressSync(Buffer.concat([frame, frame])).length === 2;
}

/**
 * Feeds a stream to `consume`, decompressed if it is compressed, until its end.
 *
 * @returns how it was compressed
 * @throws ImageError `limit`, `unsupported`, or `invalid-image` for a broken stream
 */
export async function decompress(
  source: AsyncIterable<Buffer>,
  limits: ExpansionLimits,
  consume: (plain: Buffer, compression: Compression) => Promise<void> | void,
): Promise<Compression> {
  const { head, all } = await peek(source);
  const compression = compressionOf(head);
  const frames = compression === "zstd" ? new ZstdFrames() : undefined;
  let compressed = 0;
  let expanded = 0;
  const input = counted(all, (chunk) => {
    compressed += chunk.length;
    frames?.push(chunk);
  });
  let failure: unknown;
  const take = async (plain: AsyncIterable<Buffer>) => {
    try {
      for await (const chunk of plain) {
        expanded += chunk.length;
        refuseExpansion(expanded, compressed, limits);
        await consume(chunk, compression);
      }
    } catch (error) {
      failure ??= error;
      throw error;
    }
  };
  if (compression === "none") {
    await take(input);
    return compression;
  }
  try {
    await pipeline(Readable.from(input), createDecompressor(compression), take);
  } catch (cause) {
    // Some versions of pipeline() only say that something was aborted.
    const ours = [failure, cause].find((error) => error instanceof ImageError);
    if (ours !== undefined) throw ours;
    const isOfZlib = /^(Z_|ERR_ZSTD|ZSTD_|ERR_ZLIB)/.test(codeOf(cause) ?? "");
    if (!isOfZlib) throw cause;
    throw malformed(`its ${compression} stream is broken (${codeOf(cause)})`);
  }
  frames?.finish();
  if (frames !== undefined && frames.count > 1 && !readsAllFrames()) {
    throw new ImageError(
      "unsupported",
      `this runtime (${process.version}) reads only the first of the ${frames.count} frames of a zstd stream: use Node 26 or Bun`,
    );
  }
  return compression;
}
