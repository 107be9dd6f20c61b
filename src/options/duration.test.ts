import { expect, test } from "bun:test";
import { milliseconds, parseDuration } from "./duration.ts";

test("lengths of time as Go writes them", () => {
  for (const [text, expected] of [
    ["0", 0],
    ["1m30s", 90_000],
    ["500ms", 500],
    ["1.5h", 5_400_000],
    [".5s", 500],
    ["2.s", 2000],
    ["1h1ms", 3_600_001],
    ["5us", 0.005],
    ["5µs", 0.005],
  ] as const) {
    expect([text, milliseconds(text)]).toEqual([text, expected]);
    expect(parseDuration(text, "--x")).toEqual({ ok: true, value: expected });
  }
  for (const text of ["", "1", "1d", "s", "-5s", "1 s", "1s ", ".s", "1m30"]) {
    expect([text, milliseconds(text)]).toEqual([text, null]);
    expect(parseDuration(text, "--x").ok).toBe(false);
  }
});
