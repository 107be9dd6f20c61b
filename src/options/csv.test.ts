import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { readFields } from "./csv.ts";

test.each([
  ["", [""]],
  ["a", ["a"]],
  ["a,b", ["a", "b"]],
  ["a,,b,", ["a", "", "b", ""]],
  ['"a,b",c', ["a,b", "c"]],
  ['a,"say ""hi"""', ["a", 'say "hi"']],
  ['"",x', ["", "x"]],
  ['"line\nbreak"', ["line\nbreak"]],
])("%p", (line, fields) => {
  expect(readFields(line)).toEqual({ ok: true, fields });
});

test.each([
  ['a"b', 'a quote goes around the whole field: a"b'],
  ['a,source="/x,y"', 'a quote goes around the whole field: source="/x'],
  ['"a', 'a quoted field ends with a quote, and the next one begins with ","'],
  ['"a"b', 'a quoted field ends with a quote, and the next one begins with ","'],
])("%p is refused", (line, reason) => {
  expect(readFields(line)).toEqual({ ok: false, reason });
});

test("any fields come back when they are written in quotes", () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (fields) => {
      const line = fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(",");
      expect(readFields(line)).toEqual({ ok: true, fields });
    }),
  );
});

test("fields without commas and quotes come back when they are written as they are", () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[^",]*$/), { minLength: 1 }), (fields) => {
      expect(readFields(fields.join(","))).toEqual({ ok: true, fields });
    }),
  );
});
