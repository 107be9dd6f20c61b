import { expect, test } from "bun:test";
import { parseLabel } from "./label.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["a=b", "a", "b"],
  ["a", "a", ""],
  ["a=", "a", ""],
  ["a=b=c", "a", "b=c"],
  ["  com.example.x= y ", "com.example.x", " y "],
  ["__proto__=1", "__proto__", "1"],
])("%p", (given, name, value) => {
  expect(outcome(parseLabel(given))).toEqual([name, value]);
});

test.each([
  ["", "empty name: it looks like NAME=value"],
  ["=b", "empty name: it looks like NAME=value"],
  [" =b", "empty name: it looks like NAME=value"],
  ["a b=c", "the name contains white space"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseLabel(given, "--annotation"))).toBe(
    `invalid argument "${given}" for "--annotation": ${reason}`,
  );
});
