import { expect, test } from "bun:test";
import { isIPv4 as nodeIPv4, isIPv6 as nodeIPv6 } from "node:net";
import * as fc from "fast-check";
import { isIPv4, isIPv6 } from "./ip-address.ts";

test.each([
  "::",
  "::1",
  "1::",
  "2001:db8::33",
  "1:2:3:4:5:6:7:8",
  "1:2:3:4:5:6:7::",
  "::ffff:192.0.2.1",
  "1:2:3:4:5:6:192.0.2.1",
])("%s is IPv6", (text) => {
  expect(isIPv6(text)).toBe(true);
});

test.each([
  "",
  ":",
  ":::",
  "1:::2",
  "1::2::3",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7:8:9",
  "1:2:3:4:5:6:7::8",
  "::12345",
  "::g",
  "192.0.2.1::",
  "1:2:3:4:5:6:7:192.0.2.1",
  "fe80::1%eth0",
  "[::1]",
])("%p is no IPv6", (text) => {
  expect(isIPv6(text)).toBe(false);
});

test("addresses and what looks like them are told apart as by Node", () => {
  const part = fc.constantFrom(
    "0",
    "1",
    "255",
    "256",
    "01",
    "ffff",
    "10000",
    "",
    "::",
    ":",
    ".",
    "a",
  );
  const text = fc.oneof(
    fc.ipV4(),
    fc.ipV6(),
    fc.array(part, { maxLength: 9 }).map((parts) => parts.join(":")),
    fc.array(part, { maxLength: 5 }).map((parts) => parts.join(".")),
    fc.array(part, { maxLength: 9 }).map((parts) => parts.join("")),
  );
  fc.assert(
    fc.property(text, (given) => {
      expect([given, isIPv4(given), isIPv6(given)]).toEqual([
        given,
        nodeIPv4(given),
        nodeIPv6(given),
      ]);
    }),
    { numRuns: 2000 },
  );
});
