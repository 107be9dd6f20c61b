import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { whyOf } from "./file-error.ts";

function thrownBy(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("it did not fail");
}

test("the kernel's word and what it means, and neither the call nor the path once more", () => {
  expect(whyOf(thrownBy(() => readFileSync("/no/such")))).toBe("ENOENT: No such file or directory");
  expect(whyOf(thrownBy(() => readFileSync("/")))).toBe("EISDIR: Is a directory");
});

test("of another error its message", () => {
  expect(whyOf(new Error("too long"))).toBe("too long");
  expect(whyOf(Object.assign(new Error("ended"), { code: "ERR_X" }))).toBe("ended");
});
