import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { WireWriter } from "./wire-writer.ts";

const room = 32768;

/** Every kind of value, the last one longer than the room that is left when the buffer has doubled. */
function writeAll(out: WireWriter): void {
  out.u8(0xa5);
  out.u16(0xbeef);
  out.u32(0xdeadbeef);
  out.u64(0x0123456789abcdefn);
  out.bool(true);
  out.ascii("PVPLAN");
  out.bytesOf(Uint8Array.of(1, 2, 3, 4, 5));
  out.slot("a");
  out.place({ in: "a", path: "etc/ä" });
  out.texts(["", "é", "long".repeat(5)]);
  out.capabilities(["CAP_CHOWN", "CAP_BPF"]);
  out.text("x".repeat(2 * room));
}

function bytesBehind(padding: number): Buffer {
  const out = new WireWriter();
  out.ascii("p".repeat(padding));
  writeAll(out);
  return out.bytes.subarray(padding, out.length);
}

test("the bytes are the same wherever the buffer has to grow", () => {
  const expected = bytesBehind(0);
  for (let padding = room - 200; padding <= room; padding++) {
    expect(bytesBehind(padding).equals(expected), `behind ${padding} bytes`).toBe(true);
  }
});

test("a plan keeps as many descriptors as the executor has room for", () => {
  const header = readFileSync(new URL("../../native/wire.h", import.meta.url), "utf8");
  const most = Number(/#define PV_SLOTS (\d+)/.exec(header)?.[1]);
  const out = new WireWriter();
  for (let i = 0; i < most; i++) out.slot(`bind${i}`);
  out.slot("bind0");
  expect(() => out.slot("one more")).toThrow(
    `the plan would keep more than ${most} descriptors: leave some of its mounts out`,
  );
});
