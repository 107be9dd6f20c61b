import { expect, test } from "bun:test";
import { type Health, judge, noChecksYet } from "./health-log.ts";

const check = (ExitCode: number) => ({ Start: "a", End: "b", ExitCode, Output: "" });

const after = (codes: readonly number[], isStarting = false): Health =>
  codes.reduce(
    (before, code) => judge(before, check(code), { retries: 3, isStarting }),
    noChecksYet,
  );

test("it is starting until the first check, and healthy from the first success on", () => {
  expect(noChecksYet.Status).toBe("starting");
  expect(after([0]).Status).toBe("healthy");
});

test("so many failures in a row make it unhealthy, and one success healthy again", () => {
  expect(after([0, 1, 1])).toMatchObject({ Status: "healthy", FailingStreak: 2 });
  expect(after([0, 1, 1, 1])).toMatchObject({ Status: "unhealthy", FailingStreak: 3 });
  expect(after([1, 1, 1, 0])).toMatchObject({ Status: "healthy", FailingStreak: 0 });
});

test("failures of the start period do not count, unless it has been healthy", () => {
  expect(after([1, 1, 1, 1], true)).toMatchObject({ Status: "starting", FailingStreak: 0 });
  expect(after([0, 1, 1, 1], true).Status).toBe("unhealthy");
});

test("the last five are kept", () => {
  expect(after([1, 2, 3, 4, 5, 6]).Log.map(({ ExitCode }) => ExitCode)).toEqual([2, 3, 4, 5, 6]);
});
