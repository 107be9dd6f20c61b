import { expect, test } from "bun:test";
import { parseContainerName, parseDomainname, parseHostname } from "./name.ts";
import { outcome } from "./testing/outcome.ts";

test.each(["ab", "web_1", "a.b-c", "0x", "n".repeat(255)])("%s names a container", (name) => {
  expect(outcome(parseContainerName(name))).toBe(name);
});

test.each(["", "a", "_a", "-a", ".a", "a/b", "a b", "ä1", "n".repeat(256)])(
  "%p names no container",
  (name) => {
    const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
    expect(outcome(parseContainerName(name))).toBe(
      `invalid argument "${shown}" for "--name": invalid container name: only [a-zA-Z0-9][a-zA-Z0-9_.-]+ is allowed, from 2 to 255 characters`,
    );
  },
);

test.each(["a", "web-1", "a.b.example", "4bf9c0d1a2e3", "x".repeat(63)])(
  "%s names a machine",
  (name) => {
    expect(outcome(parseHostname(name))).toBe(name);
  },
);

const format =
  "invalid hostname format: letters, digits and - (not at an end), up to 63 between dots";

test.each([
  ["", format],
  ["-a", format],
  ["a-", format],
  ["a..b", format],
  ["a_b", format],
  ["a b", format],
  ["x".repeat(64), format],
  [`${"x".repeat(32)}.${"y".repeat(32)}`, "a host name has at most 64 bytes"],
])("%p names no machine", (name, reason) => {
  const shown = name.length > 60 ? `${name.slice(0, 60)}…` : name;
  expect(outcome(parseHostname(name))).toBe(
    `invalid argument "${shown}" for "-h, --hostname": ${reason}`,
  );
});

test("a domain name is visible ASCII", () => {
  expect(outcome(parseDomainname("example.org"))).toBe("example.org");
  expect(outcome(parseDomainname("(none)"))).toBe("(none)");
  expect(outcome(parseDomainname("a b"))).toBe(
    'invalid argument "a b" for "--domainname": a domain name has from 1 to 64 visible ASCII characters',
  );
  expect(parseDomainname("").ok).toBe(false);
  expect(parseDomainname("x".repeat(65)).ok).toBe(false);
});
