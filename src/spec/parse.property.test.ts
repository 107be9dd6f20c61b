// Laws of the reading: it never throws, and whatever is wrong is found where it is.

import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { patience } from "../../test/patience.ts";
import { formatProblem, parseProcess, parseSpec, parseSpecValue, writeJson } from "./mod.ts";
import { formatPath } from "./problem.ts";
import { complete } from "./testdata/complete.ts";
import { dockerConfig } from "./testdata/docker-config.ts";

type Steps = readonly (string | number)[];

test("no JSON value makes it throw, and no text", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      expect(parseSpec(JSON.stringify(value)).ok).toBe(false);
      expect(parseSpecValue(value).ok).toBe(false);
    }),
  );
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => !parseSpec(text).ok));
  fc.assert(fc.property(fc.anything({ withBigInt: true }), (value) => !parseSpecValue(value).ok));
});

test("no cut and no changed character of a configuration makes it throw", () => {
  const text = dockerConfig();
  const at = fc.nat({ max: text.length - 1 });
  fc.assert(
    fc.property(at, fc.string({ unit: "binary", maxLength: 2 }), at, (from, put, length) => {
      const changed = text.slice(0, from) + put + text.slice(from + (length % 5));
      for (const parsed of [parseSpec(changed), parseProcess(changed)]) {
        for (const problem of parsed.ok ? parsed.warnings : parsed.problems) {
          expect(formatProblem(problem)).toContain(": expected ");
        }
      }
      expect(parseSpec(text.slice(0, from)).ok).toBe(false);
    }),
    { numRuns: 300 },
  );
});

test("any value in the place of any other is accepted or named there", () => {
  const places = [...placesIn(complete)];
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.jsonValue({ maxDepth: 2 }), (place, value) => {
      const parsed = parseSpec(writeJson(replaced(complete, place, value)));
      if (parsed.ok) return;
      const where = formatPath(place);
      // A field beside it can be what a changed value makes wrong: no errno goes with another action.
      const beside = formatPath(place.slice(0, -1));
      for (const { path } of parsed.problems) {
        expect(path.startsWith(where) || path.startsWith(beside)).toBe(true);
      }
    }),
    { numRuns: 1000 },
  );
});

test("a value of a wrong type, in the place of any value, is named exactly there", () => {
  let tried = 0;
  for (const place of placesIn(complete)) {
    const value = valueAt(complete, place);
    for (const wrong of [0.5, true, "a\u0000", { a: 1 }, [{}]]) {
      // 0.5 is no number of any field, and text with a NUL no text: those two are always wrong.
      if (typeof wrong !== "number" && typeof wrong !== "string" && kind(wrong) === kind(value))
        continue;
      const parsed = parseSpec(writeJson(replaced(complete, place, wrong)));
      const named = parsed.ok ? [] : parsed.problems.map(({ path }) => path);
      expect(named, `${formatPath(place)} = ${writeJson(wrong)}`).toContain(formatPath(place));
      tried++;
    }
  }
  expect(tried).toBeGreaterThan(1000);
});

test("two wrong values are both named", () => {
  const places = [...placesIn(complete)].filter(
    (place) => typeof valueAt(complete, place) !== "object",
  );
  fc.assert(
    fc.property(fc.constantFrom(...places), fc.constantFrom(...places), (one, other) => {
      const wrong = replaced(replaced(complete, one, 0.5), other, 0.5);
      const parsed = parseSpec(writeJson(wrong));
      const named = parsed.ok ? [] : parsed.problems.map(({ path }) => path);
      expect(named).toContain(formatPath(one));
      expect(named).toContain(formatPath(other));
    }),
  );
});

test("a field that is given twice is named, wherever it is", () => {
  const places = [...placesIn(complete)].filter((place) => typeof place.at(-1) === "string");
  for (const place of places) {
    const name = JSON.stringify(place.at(-1));
    const marked = writeJson(replaced(complete, place, "MARK"));
    const twice = marked.replace(`${name}:"MARK"`, `${name}:1,${name}:2`);
    expect(twice).not.toBe(marked);
    const parsed = parseSpec(twice);
    const lines = parsed.ok ? [] : parsed.problems.map(formatProblem);
    expect(lines[0]).toStartWith(`${formatPath(place)} (line 1, column `);
    expect(lines[0]).toEndWith("): expected the field only once, received it again");
  }
});

test("a document with a million things wrong is refused in good time, with a thousand of them", () => {
  const wrong = Array.from({ length: 1_000_000 }, () => "3").join();
  const duplicates = Array.from({ length: 100_000 }, () => '"a":1').join();
  const start = performance.now();
  const listed = parseProcess(`{"args": ["a"], "cwd": "/", "env": [${wrong}]}`);
  const twice = parseSpec(`{${duplicates}}`);
  expect(performance.now() - start).toBeLessThan(10_000 * patience);
  expect(listed.ok ? [] : listed.problems.map(formatProblem).slice(-2)).toEqual([
    "env[999]: expected a string, received the number 3",
    "the document: expected no more problems, received 999000 more",
  ]);
  expect(twice.ok ? 0 : twice.problems.length).toBe(1002);
});

/** The way to each value within the value, itself left out. */
function* placesIn(value: unknown, way: Steps = []): Generator<Steps> {
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const place = [...way, Array.isArray(value) ? Number(key) : key];
    yield place;
    yield* placesIn(member, place);
  }
}

function valueAt(value: unknown, [step, ...rest]: Steps): unknown {
  if (step === undefined) return value;
  return valueAt((value as Record<string | number, unknown>)[step], rest);
}

function replaced(value: unknown, [step, ...rest]: Steps, by: unknown): unknown {
  if (step === undefined) return by;
  if (Array.isArray(value))
    return value.with(Number(step), replaced(value[Number(step)], rest, by));
  const members = value as Record<string, unknown>;
  return { ...members, [step]: replaced(members[step], rest, by) };
}

function kind(value: unknown): string {
  return Array.isArray(value) ? "array" : typeof value;
}
