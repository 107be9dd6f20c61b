// Problems stay one line, and short, whatever is in them.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { describe, formatPath, formatProblem } from "./problem.ts";

test("values are described by type and content", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [undefined, "nothing"],
    [null, "null"],
    [true, "true"],
    [-3, "the number -3"],
    [1.5, "the number 1.5"],
    [2 ** 64, "the number 18446744073709552000, which may have been rounded (give it as a bigint)"],
    [18446744073709551615n, "the number 18446744073709551615"],
    ["512m", 'the string "512m"'],
    ["a\nb\u202e\u0000", 'the string "a\\nb\\u202e\\u0000"'],
    ["x".repeat(1000), `the string "${"x".repeat(60)}…" of 1000 characters`],
    [[], "an empty array"],
    [[1, 2], "an array of 2"],
    [{}, "an empty object"],
    [{ a: 1, "b\n": 2 }, 'an object with "a", "b\\n"'],
    [{ a: 1, b: 2, c: 3, d: 4 }, 'an object with "a", "b", "c" and others'],
    [() => 1, "a function"],
    [Symbol("s"), "a symbol"],
  ];
  for (const [value, text] of cases) expect(describe(value)).toBe(text);
});

test("paths are in the terms of the configuration", () => {
  expect(formatPath([])).toBe("");
  expect(formatPath(["mounts", 3, "destination"])).toBe("mounts[3].destination");
  expect(formatPath(["linux", "sysctl", "net.ipv4.ip_forward"])).toBe(
    'linux.sysctl["net.ipv4.ip_forward"]',
  );
  expect(formatPath(["annotations", ""])).toBe('annotations[""]');
});

test("a problem is one line of bounded length", () => {
  const step = fc.oneof(fc.string({ unit: "binary", maxLength: 300 }), fc.nat());
  fc.assert(
    fc.property(fc.array(step, { maxLength: 5 }), fc.anything(), (path, value) => {
      const received = describe(value);
      const line = formatProblem({ path: formatPath(path), expected: "a string", received });
      // oxlint-disable-next-line no-control-regex -- that there is none is what is tested
      expect(line).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e]/);
      expect(line.length).toBeLessThan(3000);
    }),
  );
});
