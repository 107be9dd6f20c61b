import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { parseBytes } from "./bytes.ts";
import { outcome } from "./testing/outcome.ts";

const looks = 'for "-m, --memory": invalid size: it looks like 512m, 1.5g or 1048576';

test.each([
  ["0", 0n],
  ["1", 1n],
  ["32b", 32n],
  ["1k", 1024n],
  ["512m", 536_870_912n],
  ["512MB", 536_870_912n],
  ["64MiB", 67_108_864n],
  ["1.5g", 1_610_612_736n],
  ["1 g", 1_073_741_824n],
  ["2T", 2_199_023_255_552n],
  ["3p", 3_377_699_720_527_872n],
  ["0.0001k", 0n],
  ["1.0000001g", 1_073_741_931n],
  ["9223372036854775807", 9_223_372_036_854_775_807n],
])("%s is %s bytes", (given, bytes) => {
  expect(outcome(parseBytes(given, "-m, --memory"))).toBe(bytes);
});

test.each(["", "m", "-1", "1x", "1.m", ".5g", "1,5g", "1e3", "0x10", " 1", "1  k", "1kk", "١k"])(
  "%p is refused",
  (given) => {
    expect(outcome(parseBytes(given, "-m, --memory"))).toBe(
      `invalid argument ${JSON.stringify(given)} ${looks}`,
    );
  },
);

test("what is beyond a signed 64-bit number is refused", () => {
  expect(outcome(parseBytes("9223372036854775808", "-m, --memory"))).toBe(
    'invalid argument "9223372036854775808" for "-m, --memory": invalid size: the most is 9223372036854775807 bytes',
  );
  expect(parseBytes("8192p", "-m, --memory").ok).toBe(false);
});

test("-1 is no limit where there can be none", () => {
  expect(outcome(parseBytes("-1", "--memory-swap", true))).toBe(-1n);
  expect(outcome(parseBytes("-2", "--memory-swap", true))).toBe(
    'invalid argument "-2" for "--memory-swap": invalid size: it looks like 512m, 1.5g or 1048576; -1 is no limit',
  );
});

test("a whole number of units is that many times 1024 to the power of the unit", () => {
  fc.assert(
    fc.property(fc.nat(8000), fc.integer({ min: 0, max: 5 }), (count, power) => {
      const unit = ["", "k", "m", "g", "t", "p"][power] ?? "";
      const expected = BigInt(count) * 1024n ** BigInt(power);
      expect(outcome(parseBytes(`${count}${unit}`, "-m, --memory"))).toBe(expected);
    }),
  );
});
