import { expect, test } from "bun:test";
import { encode, Fields, type Message } from "./protobuf.ts";

test("the examples of the encoding's own guide", () => {
  expect(Buffer.from(encode([[1, 150]])).toString("hex")).toBe("089601");
  expect(Buffer.from(encode([[2, "testing"]])).toString("hex")).toBe("120774657374696e67");
  expect(Buffer.from(encode([[3, [[1, 150]]]])).toString("hex")).toBe("1a03089601");
  expect(Buffer.from(encode([[1, -2]])).toString("hex")).toBe("08feffffffffffffffff01");
});

test("what is written is read again", () => {
  const message: Message = [
    [1, "first"],
    [2, [[7, 1n << 40n]]],
    [2, [[7, -1]]],
    [15, true],
    [300, new Uint8Array(300).fill(65)],
  ];
  const fields = new Fields(encode(message));
  expect(fields.text(1)).toBe("first");
  expect(fields.messages(2).map((each) => each.number(7))).toEqual([2 ** 40, -1]);
  expect(fields.number(15)).toBe(1);
  expect(fields.text(300)).toBe("A".repeat(300));
  expect(fields.number(99)).toBe(0);
});

test("a message that is cut off is an error", () => {
  expect(() => new Fields(Uint8Array.of(0x08, 0x96))).toThrow("ends within a field");
});
