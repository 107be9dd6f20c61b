import { describe, expect, test } from "bun:test";
import type { Expectation } from "./expectations.ts";
import { outcomeOf, type Row, table, tally } from "./report.ts";

const row = (marks: string, expectation?: Expectation): Row => ({
  program: `program-${marks}`,
  verdicts: new Map(
    ["runc", "crun", "pivot"].map((name, i) => [
      name,
      marks[i] === "+" ? { passed: true, why: "" } : { passed: false, why: "broken" },
    ]),
  ),
  expectation,
});

const bug: Expectation = { why: "the program is wrong" };

describe("the outcome", () => {
  test("what passes has passed, and a stale explanation is told", () => {
    expect(outcomeOf(row("--+"), "pivot")).toEqual({
      outcome: "passed",
      line: "pass       program---+",
    });
    expect(outcomeOf(row("--+", bug), "pivot").line).toContain("the program is wrong");
    expect(outcomeOf(row("--+", { ...bug, race: true }), "pivot").line).not.toContain("wrong");
  });

  test("what does not pass and is not explained has failed, whatever the peers do", () => {
    expect(outcomeOf(row("---"), "pivot").outcome).toBe("failed");
    expect(outcomeOf(row("-+-"), "pivot").line).toBe(
      "FAIL       program--+-: broken [crun passes]",
    );
  });

  test("an explanation holds unless a peer passes, or luck decides", () => {
    expect(outcomeOf(row("---", bug), "pivot").outcome).toBe("explained");
    expect(outcomeOf(row("+--", bug), "pivot").outcome).toBe("failed");
    expect(outcomeOf(row("+--", { ...bug, race: true }), "pivot").outcome).toBe("explained");
  });

  test("what was not run has failed", () => {
    expect(outcomeOf(row("+++"), "another").outcome).toBe("failed");
  });
});

test("the count", () => {
  expect(tally([row("+++"), row("+--"), row("---", bug)], "pivot")).toEqual({
    line: "1 passed, 1 failed, 1 skipped",
    failed: 1,
  });
  expect(tally([row("--+")], "pivot").line).toBe("1 passed, 0 failed");
});

test("the table", () => {
  expect(table([row("+-+"), row("---")], ["runc", "crun", "pivot"]).split("\n")).toEqual([
    "             runc     crun     pivot",
    "program-+-+  pass     –        pass",
    "program----  –        –        –",
    "of 2         1        0        1",
  ]);
});
