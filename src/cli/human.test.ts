import { expect, test } from "bun:test";
import { ago, binarySize, ellipsis, humanDuration, humanSize, shortId } from "./human.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;
const week = 7 * day;
const month = 30 * day;
const year = 365 * day;

// The table of go-units' own test.
const durations: readonly (readonly [number, string])[] = [
  [-5 * second, "Less than a second"],
  [450, "Less than a second"],
  [second, "1 second"],
  [1999, "1 second"],
  [45 * second, "45 seconds"],
  [59 * second, "59 seconds"],
  [60 * second, "About a minute"],
  [119 * second, "About a minute"],
  [3 * minute, "3 minutes"],
  [35 * minute + 40 * second, "35 minutes"],
  [45 * minute, "45 minutes"],
  [59 * minute, "59 minutes"],
  [hour, "About an hour"],
  [hour + 29 * minute, "About an hour"],
  [hour + 31 * minute, "2 hours"],
  [hour + 59 * minute, "2 hours"],
  [3 * hour + 29 * minute, "3 hours"],
  [3 * hour + 31 * minute, "4 hours"],
  [24 * hour, "24 hours"],
  [day + 12 * hour, "36 hours"],
  [2 * day, "2 days"],
  [13 * day + 5 * hour, "13 days"],
  [2 * week, "2 weeks"],
  [2 * week + 4 * day, "2 weeks"],
  [4 * week + 3 * day, "4 weeks"],
  [month, "4 weeks"],
  [month + 2 * week, "6 weeks"],
  [2 * month, "2 months"],
  [3 * month + week, "3 months"],
  [13 * month, "13 months"],
  [24 * month, "24 months"],
  [24 * month + 2 * week, "2 years"],
  [3 * year + 2 * month, "3 years"],
];

test("durations", () => {
  expect(durations.map(([each]) => humanDuration(each))).toEqual(durations.map(([, text]) => text));
});

test("how long ago, never in the future", () => {
  expect(ago(0, 2 * week)).toBe("2 weeks ago");
  expect(ago(5 * second, 0)).toBe("Less than a second ago");
});

test("decimal sizes: the table of go-units' own test", () => {
  const sizes: readonly (readonly [number, string])[] = [
    [0, "0B"],
    [999, "999B"],
    [1000, "1kB"],
    [1024, "1.024kB"],
    [1_000_000, "1MB"],
    [1_048_576, "1.049MB"],
    [2e6, "2MB"],
    [3.42e9, "3.42GB"],
    [5.372e12, "5.372TB"],
    [2.22e15, "2.22PB"],
    [999_999, "1MB"],
    [1e28, "10000YB"],
  ];
  expect(sizes.map(([each]) => humanSize(each))).toEqual(sizes.map(([, text]) => text));
});

test("three digits, as in the list of images", () => {
  expect(
    [7_800_000, 1240, 100_000_000, 999_600, 4_261_502].map((each) => humanSize(each, 3)),
  ).toEqual(["7.8MB", "1.24kB", "100MB", "1MB", "4.26MB"]);
});

test("binary sizes: the table of go-units' own test", () => {
  const sizes: readonly (readonly [number, string])[] = [
    [1024, "1KiB"],
    [1024 ** 2, "1MiB"],
    [2 * 1024 ** 2, "2MiB"],
    [62.5 * 1024 ** 2, "62.5MiB"],
    [3.42 * 1024 ** 3, "3.42GiB"],
    [5.372 * 1024 ** 4, "5.372TiB"],
    [2.22 * 1024 ** 5, "2.22PiB"],
    [1023 * 1024, "1023KiB"],
    [1024 ** 2 - 1, "1MiB"],
  ];
  expect(sizes.map(([each]) => binarySize(each))).toEqual(sizes.map(([, text]) => text));
});

test("short ids and texts", () => {
  expect(shortId("sha256:0123456789abcdef")).toBe("0123456789ab");
  expect(shortId("0123456789abcdef")).toBe("0123456789ab");
  expect(ellipsis("/bin/sh -c 'while true'", 20)).toBe("/bin/sh -c 'while t…");
  expect(ellipsis("short", 5)).toBe("short");
});
