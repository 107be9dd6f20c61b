import { expect, test } from "bun:test";
import { expectKnown, readOptions, withoutDirectory } from "./options.ts";

const own = {
  base: { type: "string", default: "floor" },
  more: { type: "string", multiple: true },
} as const;

test("what is not told is the default, and each benchmark has options of its own", () => {
  const read = readOptions([], 5, own);
  expect(read?.options).toEqual({
    rounds: 60,
    warmup: 5,
    only: undefined,
    seed: 1,
    dir: undefined,
    write: false,
  });
  expect(read?.text("base")).toBe("floor");
  const told = readOptions(
    ["--rounds", "2", "--warmup=0", "--only", "a,b", "--write", "--more", "x", "--more", "y"],
    5,
    own,
  );
  expect(told?.options).toMatchObject({ rounds: 2, warmup: 0, only: ["a", "b"], write: true });
  expect(told?.values["more"]).toEqual(["x", "y"]);
});

test("a benchmark has a default of its own for a common option", () => {
  const twenty = { rounds: { type: "string", default: "20" } } as const;
  expect(readOptions([], 5, twenty)?.options.rounds).toBe(20);
  expect(readOptions(["--rounds", "3"], 5, twenty)?.options.rounds).toBe(3);
});

test("in a world of its own there is no other directory", () => {
  const read = (...args: string[]) => readOptions(args, 5, {})?.options;
  const plain = read();
  const told = read("--dir", "/mnt");
  if (plain === undefined || told === undefined) throw new Error("no options");
  expect(withoutDirectory(plain)).toBe(plain);
  expect(() => withoutDirectory(told)).toThrow("--dir /mnt");
});

test("help is no measurement, and a wrong number or word is an error", () => {
  expect(readOptions(["--help"], 5, own)).toBeUndefined();
  expect(() => readOptions(["--rounds", "0"], 5, own)).toThrow("a whole number from 1 is needed");
  expect(() => readOptions(["--seed", "x"], 5, own)).toThrow("--seed x");
  expect(() => readOptions(["--wrong"], 5, own)).toThrow("--wrong");
});

test("a name that nothing has is refused, with those that there are, each once", () => {
  const known = ["run", "exec", "run"];
  expectKnown("case", known, undefined);
  expectKnown("case", known, ["exec", "run"]);
  expect(() => expectKnown("case", known, ["run", "exce"])).toThrow(
    "there is no case exce, only run, exec",
  );
});
