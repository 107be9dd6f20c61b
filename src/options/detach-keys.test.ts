import { expect, test } from "bun:test";
import { parseDetachKeys } from "./detach-keys.ts";

const bytes = (text: string | null) => {
  const keys = parseDetachKeys(text);
  return keys === null ? null : [...keys];
};

test("keys are characters and ctrl- with a letter or one of @[\\]^_", () => {
  expect(bytes(null)).toEqual([16, 17]);
  expect(bytes("ctrl-p,ctrl-q")).toEqual([16, 17]);
  expect(bytes("a,ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_,Z")).toEqual([
    97, 0, 27, 28, 29, 30, 31, 90,
  ]);
  expect(bytes("CTRL-P")).toEqual([16]);
  expect(bytes("")).toEqual([]);
});

test("anything else is refused", () => {
  for (const text of ["ctrl-", "ctrl-1", "ctrl-pp", "ab", "a,,b", "é", ",", "x,".repeat(70)]) {
    expect({ text, keys: bytes(text) }).toEqual({ text, keys: null });
  }
});
