import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { expectationOf, explainedPrograms } from "./expectations.ts";

const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
const rows = readme.split("\n").flatMap((line) => /^\| ([a-z_*]+) \|/.exec(line)?.[1] ?? []);
const described = (program: string): boolean =>
  rows.some(
    (row) => row === program || (row.endsWith("*") && program.startsWith(row.slice(0, -1))),
  );

test("every program that is explained is one that the README describes", () => {
  expect(explainedPrograms.filter((program) => !described(program))).toEqual([]);
});

test("a program that nothing is known against has to pass", () => {
  expect(expectationOf("state")).toBeUndefined();
});

const built = new URL("../../build/conformance/programs", import.meta.url).pathname;

test("the README describes every program that was built, when they were", () => {
  const programs = existsSync(built) ? readdirSync(built) : [];
  expect(programs.filter((program) => !described(program))).toEqual([]);
});
