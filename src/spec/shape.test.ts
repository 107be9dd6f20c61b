// The combinators by themselves: what they demand of the compiler, and what they report.

import { expect, test } from "bun:test";
import { formatProblem } from "./problem.ts";
import { boolean, integer, text } from "./scalar.ts";
import {
  checked,
  lazy,
  list,
  map,
  object,
  optional,
  Report,
  required,
  type Shape,
  withDefault,
} from "./shape.ts";

interface Pair {
  readonly left: string;
  readonly right?: boolean;
}

function readWith<T>(shape: Shape<T>, value: unknown) {
  const report = new Report();
  const read = shape(value, report);
  return { read, lines: report.problems.map(formatProblem), warned: report.warnings.length };
}

test("the compiler holds a shape and its type together", () => {
  const pair = object<Pair>({ left: required(text), right: optional(boolean) });
  expect(readWith(pair, { left: "a" })).toEqual({ read: { left: "a" }, lines: [], warned: 0 });
  // @ts-expect-error -- a field is missing
  object<Pair>({ left: required(text) });
  // @ts-expect-error -- a field is of another type
  object<Pair>({ left: required(boolean), right: optional(boolean) });
  // @ts-expect-error -- a field that the type always has is optional
  object<Pair>({ left: optional(text), right: optional(boolean) });
  // @ts-expect-error -- a field that the type may lack is required
  object<Pair>({ left: required(text), right: required(boolean) });
  // @ts-expect-error -- there is no such field
  object<Pair>({ left: required(text), right: optional(boolean), top: optional(text) });
});

test("what is read shares nothing with what was given", () => {
  const given = { left: "a", right: undefined };
  const { read } = readWith(
    object<Pair>({ left: withDefault(text, "b"), right: optional(boolean) }),
    given,
  );
  expect(read).toStrictEqual({ left: "a" });
  expect(read).not.toBe(given);
});

test("a rule between parts is asked only when the parts are right", () => {
  let asked = 0;
  const pair = checked(
    object<Pair>({ left: required(text), right: optional(boolean) }),
    ({ left }, report) => {
      asked++;
      if (left === "") report.problem("some text", "none", "left");
    },
  );
  expect(readWith(pair, { left: "", right: 3 }).lines).toEqual([
    "right: expected true or false, received the number 3",
  ]);
  expect(asked).toBe(0);
  expect(readWith(pair, { left: "" }).lines).toEqual(["left: expected some text, received none"]);
});

test("a list goes on after an element that is wrong, and names a second of a kind", () => {
  const numbers = list(integer("a number", 0, 9), { unique: { per: "digit", key: String } });
  expect(readWith(numbers, [1, "2", 3, 1, 10]).lines).toEqual([
    '[1]: expected a number, received the string "2"',
    '[3]: expected one entry per digit, received a second "1"',
    "[4]: expected a number from 0 to 9, received the number 10",
  ]);
});

test("a map has no prototype, and checks its keys", () => {
  const flags = map(boolean, { expected: "a short key", test: (key) => key.length < 3 });
  const { read } = readWith(flags, JSON.parse('{"a": true, "__": false}'));
  expect(Object.getPrototypeOf(read)).toBeNull();
  expect(readWith(flags, { long: 1 }).lines).toEqual([
    'long: expected a short key, received the key "long"',
    "long: expected true or false, received the number 1",
  ]);
});

test("a lazy shape is built once, when it is first used", () => {
  let built = 0;
  const shape = lazy(() => {
    built++;
    return text;
  });
  expect(built).toBe(0);
  readWith(shape, "a");
  readWith(shape, "b");
  expect(built).toBe(1);
});

test("-0 is 0, and a bigint that fits is a number", () => {
  const small = integer("a number", -1, 1);
  expect(Object.is(readWith(small, -0).read, 0)).toBe(true);
  expect(readWith(small, 1n).read).toBe(1);
  expect(readWith(small, 2n ** 70n).lines).toEqual([
    "the document: expected a number from -1 to 1, received the number 1180591620717411303424",
  ]);
});
