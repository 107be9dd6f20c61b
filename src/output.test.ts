import { expect, test } from "bun:test";
import { PassThrough } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { collect, keepOutput, OutputError } from "./output.ts";

test("text is put together from pieces that end within a character", async () => {
  const from = new PassThrough();
  const text = collect(from, "stdout", 100);
  from.write(Buffer.from([0xe2, 0x82]));
  from.end(Buffer.from([0xac]));
  expect(await text).toBe("€");
});

test("more than the limit is refused, and read on all the same", async () => {
  const from = new PassThrough({ highWaterMark: 4 });
  const text = collect(from, "stderr", 8);
  from.write("12345678");
  from.write("9");
  const error = await text.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(OutputError);
  expect(error).toMatchObject({ stream: "stderr", limit: 8 });
  for (let i = 0; i < 10; i++) from.write("x".repeat(1000));
  from.end();
  await sleep(5);
  expect(from.readableLength).toBe(0);
});

test("what nobody has read yet is kept; who reads slowly holds the source up, until it is flushed", async () => {
  const from = new PassThrough();
  const kept = keepOutput(from);
  const piece = Buffer.alloc(16 * 1024);
  let written = 0;
  for (; written < 100 && from.write(piece); written++) await sleep(0);
  expect(written).toBeLessThan(100);
  kept.flush();
  from.end();
  await sleep(5);
  expect(from.readableEnded).toBe(true);
  let read = 0;
  for await (const chunk of kept.stream ?? []) read += (chunk as Buffer).length;
  expect(read).toBe((written + 1) * piece.length);
});
