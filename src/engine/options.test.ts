import { expect, test } from "bun:test";
import { defaultEngineOptions, engineOptions } from "./options.ts";

const of = (image: object, wish: object = {}) =>
  engineOptions({ ...defaultEngineOptions, health: wish }, { Test: ["CMD", "x"], ...image }).health;

test("times of a check are whole, and not more than a timer takes", () => {
  const all = (value: number) => ({
    Interval: value,
    Timeout: value,
    StartPeriod: value,
    StartInterval: value,
  });
  const times = { interval: 1, timeout: 1, startPeriod: 1, startInterval: 1 };
  expect(of(all(1))).toMatchObject(times);
  expect(of(all(1_500_001))?.interval).toBe(2);
  const most = 2 ** 31 - 1;
  expect(of(all(Number.MAX_SAFE_INTEGER))).toMatchObject({
    interval: most,
    timeout: most,
    startPeriod: most,
    startInterval: most,
  });
  expect(of({}, { interval: 0.25 })).toMatchObject({
    interval: 1,
    timeout: 30_000,
    startPeriod: 0,
  });
});
