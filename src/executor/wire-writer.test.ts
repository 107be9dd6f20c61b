import { expect, test } from "bun:test";
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
