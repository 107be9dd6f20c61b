import { expect, test } from "bun:test";
import { constants } from "node:os";
import { parseSignal } from "./signal.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["SIGTERM", 15],
  ["TERM", 15],
  ["sigkill", 9],
  ["int", 2],
  ["1", 1],
  ["64", 64],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["rtmax-14", 50],
  ["SIGRTMAX", 64],
  ["IOT", 6],
  ["POLL", 29],
])("%s is %d", (given, number) => {
  expect(outcome(parseSignal(given, "--stop-signal"))).toBe(number);
});

test.each([
  "",
  "0",
  "65",
  "-9",
  "1.5",
  "SIG",
  "SIGSIGTERM",
  "NOPE",
  "RTMIN+31",
  "RTMAX-31",
  "RTMIN-1",
])("%p is refused", (given) => {
  expect(outcome(parseSignal(given, "--stop-signal"))).toBe(
    `invalid argument "${given}" for "--stop-signal": it is a signal such as SIGTERM, RTMIN+3 or 15`,
  );
});

test("every signal has the number that this machine gives it", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    expect([name, outcome(parseSignal(name, "--stop-signal"))]).toEqual([name, number]);
  }
});
