/** Streams that are compressed one way or another, whole and broken. */
import { expect, test } from "bun:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { type Compression, decompress, defaultLimits } from "./decompress.ts";
import { ImageError } from "./error.ts";
import { ZstdFrames } from "./zstd-frames.ts";

async function* chunks(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function expand(
  bytes: Buffer,
  size = 1000,
): Promise<{ text: string; compression: Compression }> {
  let text = "";
  const compression = await decompress(chunks(bytes, size), defaultLimits, (plain) => {
    text += plain.toString("latin1");
  });
  return { text, compression };
}

const skippable = Buffer.from([0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
const text = "hello, ".repeat(2000) + Array.from({ length: 3000 }, (_, i) => i * 7919).join(" ");
const [a, b] = [Buffer.from(text.slice(0, 9000)), Buffer.from(text.slice(9000))];

test.each([
  ["none", Buffer.from(text)],
  ["none", Buffer.from("")],
  ["gzip", gzipSync(text)],
  ["gzip", Buffer.concat([gzipSync(a), gzipSync(b)])],
  ["zstd", zstdCompressSync(text)],
  ["zstd", Buffer.concat([zstdCompressSync(a), zstdCompressSync(b)])],
  [
    "zstd",
    Buffer.concat([skippable, zstdCompressSync(a), skippable, zstdCompressSync(b), skippable]),
  ],
] as const)("%s, in chunks of any size", async (compression, bytes) => {
  for (const size of [1, 3, 1000, 1_000_000]) {
    expect(await expand(bytes, size)).toEqual({ compression, text: bytes.length > 0 ? text : "" });
  }
});

test("zstd streams cut short or with something else in them", async () => {
  const whole = zstdCompressSync(text);
  for (let length = 4; length < whole.length; length += 97) {
    await expect(expand(whole.subarray(0, length))).rejects.toThrow(
      /zstd stream (?:ends early|is broken)/,
    );
  }
  await expect(expand(Buffer.concat([whole, Buffer.from("junk")]))).rejects.toThrow(/zstd stream/);
  await expect(expand(Buffer.concat([whole, skippable.subarray(0, 9)]))).rejects.toThrow(
    /zstd stream/,
  );
});

function walk(bytes: Buffer, size: number): number {
  const frames = new ZstdFrames();
  for (let at = 0; at < bytes.length; at += size) frames.push(bytes.subarray(at, at + size));
  frames.finish();
  return frames.count;
}

test("frames are counted whatever their options, and any bytes are survived", () => {
  const params = [{}, { params: { 201: 1 } }, { params: { 200: 0 } }]; // checksum, no content size
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 3000 }),
    fc.nat(300_000).map((n) => new Uint8Array(n)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(content, fc.constantFrom(...params)), { maxLength: 4 }),
      fc.integer({ min: 1, max: 5000 }),
      (parts, size) => {
        const stream = Buffer.concat(
          parts.map(([bytes, options]) => zstdCompressSync(bytes, options)),
        );
        expect(walk(stream, size)).toBe(parts.length);
      },
    ),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      try {
        walk(Buffer.concat([zstdCompressSync(text).subarray(0, 20), noise]), 7);
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
      }
    }),
  );
});

test("what is not read to its end closes its source", async () => {
  let isClosed = false;
  async function* source(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.alloc(1000, 1);
    } finally {
      isClosed = true;
    }
  }
  const limits = { ...defaultLimits, expandedBytes: 5000 };
  await expect(decompress(source(), limits, () => undefined)).rejects.toThrow(
    /more than 5000 bytes/,
  );
  expect(isClosed).toBe(true);
});
