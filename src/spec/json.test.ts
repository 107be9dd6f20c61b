// The JSON reader: the same values as JSON.parse where that is exact, and nothing lost where it is not.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { readJson } from "./json.ts";
import { readExactly } from "./json-reader.ts";
import { writeJson } from "./json-writer.ts";
import { formatProblem, JsonNumber } from "./problem.ts";

function valueOf(text: string): unknown {
  const reading = readJson(text);
  if (!reading.ok) throw new Error(formatProblem(reading.problem));
  return reading.value;
}

function errorOf(text: string): string {
  const reading = readJson(text);
  return reading.ok ? "no error" : formatProblem(reading.problem);
}

test("integers keep every digit", () => {
  for (const digits of [
    "0",
    "-1",
    "4294967295",
    "999999999999999",
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "-9007199254740993",
    "9223372036854775807",
    "-9223372036854775808",
    "18446744073709551615",
    "99999999999999999999",
  ]) {
    for (const text of [digits, `[${digits}]`, `{"a": ${digits} }`, `[1,\n${digits}\n,2]`]) {
      expect(writeJson(valueOf(text))).toBe(text.replaceAll(/\s/g, ""));
    }
  }
  expect(valueOf("[9007199254740991, 9007199254740992]")).toEqual([
    9007199254740991,
    9007199254740992n,
  ]);
});

test("a number that is no such integer keeps its text", () => {
  for (const token of [
    "1.0",
    "1e3",
    "-0.5",
    "1E400",
    "100000000000000000000",
    "1.0000000000000000001",
  ]) {
    expect(valueOf(`[${token}]`)).toEqual([new JsonNumber(token)]);
  }
});

test("a field that is given twice is named with its place, and the last one counts", () => {
  const reading = readJson('{"a": {"b": 1,\n "b": [2], "c": {}},\n\t"a" : {"a": 1}}');
  expect(reading).toEqual({
    ok: true,
    value: { a: { a: 1 } },
    duplicates: [
      { path: "a.b", position: { line: 2, column: 2 } },
      { path: "a", position: { line: 3, column: 2 } },
    ],
  });
  const escaped = readJson('{"a": 1, "\\u0061": 2}');
  expect(escaped.ok && escaped.duplicates).toEqual([
    { path: "a", position: { line: 1, column: 10 } },
  ]);
});

test("a string that looks like a number or a field name is a string", () => {
  const text = '{"a":"x, 1.5, y","b":":","c\\":":["1e3",":12345678901234567890,"]}';
  expect(readJson(text)).toEqual({ ok: true, value: JSON.parse(text), duplicates: [] });
});

test("__proto__ is a field, whichever reader reads it", () => {
  for (const text of ['{"__proto__": {"polluted": 1}}', '{"__proto__": {"polluted": 1.5}}']) {
    const value = valueOf(text) as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__"]);
    expect(value["polluted"]).toBeUndefined();
  }
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
});

test("deep nesting is an error, not a crash", () => {
  const depth = 100_000;
  const error = 'expected at most 500 levels of nesting, received the character "["';
  expect(errorOf("[".repeat(depth))).toBe(`line 1, column 501: ${error}`);
  expect(errorOf("[".repeat(depth) + "]".repeat(depth))).toBe(`line 1, column 501: ${error}`);
  expect(errorOf(`${'{"a":'.repeat(depth)}1${"}".repeat(depth)}`)).toContain("500 levels");
  expect(errorOf("[".repeat(500) + "]".repeat(500))).toBe("no error");
  expect(errorOf("[".repeat(501) + "]".repeat(501))).toContain("500 levels");
  expect(errorOf(`${'{"a":'.repeat(500)}1${"}".repeat(500)}`)).toBe("no error");
});

const syntaxErrors: readonly (readonly [text: string, line: string])[] = [
  ["", "line 1, column 1: expected a JSON value, received the end of the text"],
  [" \n ", "line 2, column 2: expected a JSON value, received the end of the text"],
  ["{", "line 1, column 2: expected a field name in double quotes, received the end of the text"],
  ['{"a"}', 'line 1, column 5: expected ":" after the field name, received the character "}"'],
  [
    '{"a": 1,}',
    'line 1, column 9: expected a field name in double quotes, received the character "}"',
  ],
  [
    "{a: 1}",
    'line 1, column 2: expected a field name in double quotes, received the character "a"',
  ],
  ['{"a": 1 "b"', 'line 1, column 9: expected "," or "}", received the character "\\""'],
  ["[1 2]", 'line 1, column 4: expected "," or "]", received the character "2"'],
  ["[1,]", 'line 1, column 4: expected a JSON value, received the character "]"'],
  ["[01]", 'line 1, column 2: expected a JSON value, received the character "0"'],
  ["[1.]", 'line 1, column 2: expected a JSON value, received the character "1"'],
  ["[+1]", 'line 1, column 2: expected a JSON value, received the character "+"'],
  ["[NaN]", 'line 1, column 2: expected a JSON value, received the character "N"'],
  ["truely", 'line 1, column 1: expected a JSON value, received the character "t"'],
  ["{} {}", 'line 1, column 4: expected the end of the text, received the character "{"'],
  ["{} // end", 'line 1, column 4: expected the end of the text, received the character "/"'],
  ["\ufeff{}", 'line 1, column 1: expected a JSON value, received the character "\\ufeff"'],
  ["['a']", 'line 1, column 2: expected a JSON value, received the character "\'"'],
  ['["a', "line 1, column 4: expected a closing double quote, received the end of the text"],
  [
    '["a\\',
    'line 1, column 4: expected an escape such as "\\n" or "\\u00e9", received the character "\\\\"',
  ],
  [
    '["\\u12"]',
    'line 1, column 3: expected an escape such as "\\n" or "\\u00e9", received the character "\\\\"',
  ],
  [
    '["a\tb"]',
    'line 1, column 4: expected an escape in place of the control character, received the character "\\t"',
  ],
  [
    '{\r\n  "é": "😀",\r\n  "b": tru\r\n}',
    'line 3, column 8: expected a JSON value, received the character "t"',
  ],
  ['["😀" x]', 'line 1, column 6: expected "," or "]", received the character "x"'],
];

for (const [text, line] of syntaxErrors) {
  test(`syntax error in ${JSON.stringify(text)}`, () => {
    expect(errorOf(text)).toBe(line);
    expect(() => JSON.parse(text)).toThrow();
  });
}

test("both readers read any JSON alike, and as JSON.parse does", () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ noUnicodeString: false }),
      fc.constantFrom(0, 1, 4),
      (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        const exact = readExactly(text);
        expect(readJson(text)).toEqual(exact);
        expect(exact.ok && plain(exact.value)).toEqual(JSON.parse(text));
      },
    ),
    { numRuns: 500 },
  );
});

/** With each number as JSON.parse reads it. */
function plain(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_, member) => {
      if (member instanceof JsonNumber) return Number(member.source);
      return typeof member === "bigint" ? Number(member) : member;
    }),
  );
}

test("a text is accepted exactly if JSON.parse accepts it", () => {
  const pieces = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    '"',
    '"a"',
    "\\",
    "1",
    "-",
    ".5",
    "e3",
    "true",
    "null",
    " ",
    "\n",
    "\u0001",
  ];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...pieces), { maxLength: 12 }), (parts) => {
      const text = parts.join("");
      let accepted = true;
      try {
        JSON.parse(text);
      } catch {
        accepted = false;
      }
      expect(readExactly(text).ok).toBe(accepted);
    }),
    { numRuns: 3000 },
  );
});

test("what the writer writes is read back as it was", () => {
  const value = fc.letrec((tie) => ({
    any: fc.oneof(
      { maxDepth: 4 },
      fc.constant(null),
      fc.boolean(),
      fc.string({ unit: "binary" }),
      fc.maxSafeInteger().map((number) => number + 0),
      fc.bigInt(-(2n ** 63n), 2n ** 64n - 1n).filter((big) => !Number.isSafeInteger(Number(big))),
      fc.array(tie("any")),
      fc.dictionary(fc.string(), tie("any")),
    ),
  })).any;
  fc.assert(
    fc.property(value, fc.constantFrom(0, 2), (given, indent) => {
      expect(valueOf(writeJson(given, indent))).toEqual(given);
    }),
  );
});

test("the writer leaves out undefined fields, indents, and refuses what has no JSON form", () => {
  expect(writeJson({ a: undefined, b: [1n, {}], c: [] }, 2)).toBe(
    '{\n  "b": [\n    1,\n    {}\n  ],\n  "c": []\n}',
  );
  expect(() => writeJson({ a: Number.NaN })).toThrow("NaN (number) has no JSON form");
  expect(() => writeJson([() => 1])).toThrow("(function) has no JSON form");
});
