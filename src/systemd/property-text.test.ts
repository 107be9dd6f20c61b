import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { signatureOf } from "./message.ts";
import { parsePropertyText } from "./property-text.ts";

const parse = (source: string) => {
  const value = parsePropertyText(source);
  if (value === undefined) return undefined;
  const plain = JSON.stringify(value, (key, each) =>
    key === "type" || key === "of" ? undefined : typeof each === "bigint" ? String(each) : each,
  );
  return `${signatureOf(value)} ${plain}`;
};

test("values of the types that properties have", () => {
  for (const [source, value] of [
    ["true", 'b {"value":true}'],
    ["'inactive-or-failed'", 's {"value":"inactive-or-failed"}'],
    ['"it\'s"', 's {"value":"it\'s"}'],
    ["'a\\'b'", 's {"value":"a\'b"}'],
    ["5", 'i {"value":5}'],
    ["-5", 'i {"value":-5}'],
    ["0x10", 'i {"value":16}'],
    ["uint64 123456789", 't {"value":"123456789"}'],
    ["@t 7", 't {"value":"7"}'],
    ["int64 -7", 'x {"value":"-7"}'],
    ["byte 255", 'y {"value":255}'],
    ["2.5", 'd {"value":2.5}'],
    ["double 3", 'd {"value":3}'],
    ["['a', 'b']", 'as {"values":[{"value":"a"},{"value":"b"}]}'],
    ["@as []", 'as {"values":[]}'],
    ["[uint64 1, 2]", 'at {"values":[{"value":"1"},{"value":"2"}]}'],
    ["[('/dev/x', 'rw')]", 'a(ss) {"values":[{"values":[{"value":"/dev/x"},{"value":"rw"}]}]}'],
    ["('a', true)", '(sb) {"values":[{"value":"a"},{"value":true}]}'],
  ] as const) {
    expect([source, parse(source)]).toEqual([source, value]);
  }
});

test("what is no value", () => {
  for (const source of [
    "",
    "yes",
    "'a",
    "5 6",
    "[1, 'a']",
    "[]",
    "uint64",
    "uint64 -1",
    "byte 256",
    "@b 5",
    "@s true",
    "(",
    "()",
    "[1",
    "uint64 uint64 5",
    "1x",
    "int32 2147483648",
    "''; rm",
  ]) {
    expect([source, parse(source)]).toEqual([source, undefined]);
  }
});

test("no text makes it throw", () => {
  const words = fc.constantFrom(
    "[",
    "]",
    "(",
    ")",
    ",",
    "'a'",
    "@as",
    "@(",
    "uint64",
    "true",
    "-",
    "1",
    " ",
    "\\",
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(words).map((each) => each.join("")),
      ),
      (source) => {
        parsePropertyText(source);
      },
    ),
  );
});
