import { expect, test } from "bun:test";
import { parseDeviceWeight, parseThrottle } from "./block-device.ts";
import { outcome } from "./testing/outcome.ts";

test("rates in bytes and in operations", () => {
  expect(outcome(parseThrottle("/dev/sda:1mb", "--device-read-bps", "bytes"))).toEqual({
    path: "/dev/sda",
    rate: 1_048_576n,
  });
  expect(outcome(parseThrottle("/dev/disk/by-path/a:b:7", "--device-read-bps", "bytes"))).toEqual({
    path: "/dev/disk/by-path/a:b",
    rate: 7n,
  });
  expect(outcome(parseThrottle("/dev/sda:1000", "--device-write-iops", "operations"))).toEqual({
    path: "/dev/sda",
    rate: 1000n,
  });
});

test.each([
  ["", "it looks like /dev/sda:1mb"],
  ["/dev/sda", "it looks like /dev/sda:1mb"],
  ["sda:1mb", "it looks like /dev/sda:1mb"],
  ["/dev/:1mb", "it looks like /dev/sda:1mb"],
  ["/dev/sda:", "invalid rate: it looks like /dev/sda:1mb"],
  ["/dev/sda:-1", "invalid rate: it looks like /dev/sda:1mb"],
])("%p is refused", (given, reason) => {
  expect(outcome(parseThrottle(given, "--device-write-bps", "bytes"))).toBe(
    `invalid argument "${given}" for "--device-write-bps": ${reason}`,
  );
});

test("operations have no unit", () => {
  expect(outcome(parseThrottle("/dev/sda:1k", "--device-read-iops", "operations"))).toBe(
    'invalid argument "/dev/sda:1k" for "--device-read-iops": invalid rate: it looks like /dev/sda:1000',
  );
});

test("weights go from 10 to 1000, and 0 is none", () => {
  expect(outcome(parseDeviceWeight("/dev/sda:10"))).toEqual({ path: "/dev/sda", weight: 10 });
  expect(outcome(parseDeviceWeight("/dev/sda:0"))).toEqual({ path: "/dev/sda", weight: 0 });
  for (const given of ["/dev/sda:9", "/dev/sda:1001", "/dev/sda:x", "/dev/sda:"]) {
    expect(outcome(parseDeviceWeight(given))).toBe(
      `invalid argument "${given}" for "--blkio-weight-device": a weight goes from 10 to 1000`,
    );
  }
});
