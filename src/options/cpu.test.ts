import { expect, test } from "bun:test";
import { parseCpus, parseIdList } from "./cpu.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["0", 0],
  ["1", 1],
  ["1.5", 1.5],
  [".5", 0.5],
  ["0.000000001", 1e-9],
  ["64", 64],
])("%s CPUs", (given, cpus) => {
  expect(outcome(parseCpus(given))).toBe(cpus);
});

test.each([
  ["", "it is a number of CPUs such as 1.5"],
  [".", "it is a number of CPUs such as 1.5"],
  ["two", "it is a number of CPUs such as 1.5"],
  ["-1", "it is a number of CPUs such as 1.5"],
  ["1/2", "it is a number of CPUs such as 1.5"],
  ["1e2", "it is a number of CPUs such as 1.5"],
  ["0.0000000001", "value is too precise"],
])("%p CPUs are refused", (given, reason) => {
  expect(outcome(parseCpus(given))).toBe(`invalid argument "${given}" for "--cpus": ${reason}`);
});

test.each(["0", "0-3", "0-3,7", "1,3,5", "2-2"])("%s is a list", (given) => {
  expect(outcome(parseIdList(given, "--cpuset-cpus"))).toBe(given);
});

test.each([
  ["", "it is a list such as 0-3,7"],
  ["0-", "it is a list such as 0-3,7"],
  ["0,,1", "it is a list such as 0-3,7"],
  ["0 1", "it is a list such as 0-3,7"],
  ["1,3-2", "the range 3-2 ends before it begins; it is a list such as 0-3,7"],
])("%p is no list", (given, reason) => {
  expect(outcome(parseIdList(given, "--cpuset-mems"))).toBe(
    `invalid argument "${given}" for "--cpuset-mems": ${reason}`,
  );
});
