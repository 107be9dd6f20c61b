import { expect, test } from "bun:test";
import { outcome } from "./testing/outcome.ts";
import { parseUlimit, rlimitOf } from "./ulimit.ts";

test.each([
  ["nofile=1024", { name: "nofile", soft: 1024n, hard: 1024n }],
  ["nofile=1024:2048", { name: "nofile", soft: 1024n, hard: 2048n }],
  ["core=-1", { name: "core", soft: -1n, hard: -1n }],
  ["core=0:infinity", { name: "core", soft: 0n, hard: -1n }],
])("%s", (given, limit) => {
  expect<unknown>(outcome(parseUlimit(given))).toEqual(limit);
});

const number = "a limit is a whole number, or -1 or infinity for none";

test.each([
  ["nofile", "it looks like NAME=SOFT:HARD, such as nofile=1024:2048"],
  ["nofile=1:2:3", "it looks like NAME=SOFT:HARD, such as nofile=1024:2048"],
  [
    "files=1",
    "invalid ulimit type: files (one of as, core, cpu, data, fsize, locks, memlock, msgqueue, nice, nofile, nproc, rss, rtprio, rttime, sigpending, stack)",
  ],
  ["nofile=", number],
  ["nofile=-2", number],
  ["nofile=1k", number],
  ["nofile=2:1", "the soft limit must be less than or equal to the hard limit: 2 > 1"],
  ["nofile=-1:1", "the soft limit must be less than or equal to the hard limit: unlimited > 1"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseUlimit(given))).toBe(`invalid argument "${given}" for "--ulimit": ${reason}`);
});

test("a limit becomes that of setrlimit(2)", () => {
  expect(outcome(rlimitOf({ name: "nofile", soft: 1024, hard: -1 }))).toEqual({
    type: "RLIMIT_NOFILE",
    soft: 1024n,
    hard: 18_446_744_073_709_551_615n,
  });
  expect(outcome(rlimitOf({ name: "nproc", soft: 0.5, hard: 1 }))).toBe(
    'invalid argument "nproc=0.5:1" for "--ulimit": a limit is a whole number, or -1 for none',
  );
  expect(outcome(rlimitOf({ name: "nproc", soft: 2, hard: 1 }))).toBe(
    'invalid argument "nproc=2:1" for "--ulimit": the soft limit must be less than or equal to the hard limit: 2 > 1',
  );
});
