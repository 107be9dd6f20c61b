import { expect, test } from "bun:test";
import { parseChanges } from "./changes.ts";

const lines = (output: string) => parseChanges(output).map(({ kind, path }) => `${kind} ${path}`);

test("directories above a change count as changed, and all is in the order of a walk", () => {
  expect(lines("A/b/c/new\0D/a\0C/b-x\0A/b/n\0A/b/n/m\0")).toEqual([
    "D /a",
    "C /b",
    "C /b/c",
    "A /b/c/new",
    "A /b/n",
    "A /b/n/m",
    "C /b-x",
  ]);
});

test("nothing has changed", () => {
  expect(lines("")).toEqual([]);
});
