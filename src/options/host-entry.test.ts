import { expect, test } from "bun:test";
import { parseAddHost, parseDnsOption, parseDnsSearch, parseDnsServer } from "./host-entry.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["db:192.0.2.1", "db", "192.0.2.1"],
  ["db=192.0.2.1", "db", "192.0.2.1"],
  ["db:::1", "db", "::1"],
  ["db=::1", "db", "::1"],
  ["db:[2001:db8::33]", "db", "2001:db8::33"],
  ["db:[192.0.2.1]", "db", "192.0.2.1"],
])("%s", (given, name, address) => {
  expect(outcome(parseAddHost(given))).toEqual({ name, address });
});

test.each([
  ["", "it looks like NAME:IP or NAME=IP"],
  ["db", "it looks like NAME:IP or NAME=IP"],
  [":192.0.2.1", "it looks like NAME:IP or NAME=IP"],
  ["db:", "invalid IP address "],
  ["db:192.0.2", "invalid IP address 192.0.2"],
  ["db:[]", "invalid IP address []"],
  ["a:b=192.0.2.1", "a host name has no white space, : or #"],
  ["a b:192.0.2.1", "a host name has no white space, : or #"],
  [
    "db:host-gateway",
    "host-gateway is not there yet: give the host's address as the container sees it",
  ],
])("%p is refused", (given, reason) => {
  expect(outcome(parseAddHost(given))).toBe(
    `invalid argument "${given}" for "--add-host": ${reason}`,
  );
});

test("a name server has an address", () => {
  expect(outcome(parseDnsServer(" 192.0.2.53 "))).toBe("192.0.2.53");
  expect(outcome(parseDnsServer("2001:db8::53"))).toBe("2001:db8::53");
  expect(outcome(parseDnsServer("dns.example"))).toBe(
    'invalid argument "dns.example" for "--dns": IP address is not correctly formatted',
  );
});

test.each([".", "example.org", "example.org.", "_tcp.example", "a-b.c"])(
  "%s is a domain",
  (given) => {
    expect(outcome(parseDnsSearch(given))).toBe(given);
  },
);

test.each([
  "",
  "..",
  "-a.org",
  "a..b",
  "a b",
  "1.2.3",
  `${"a.".repeat(130)}a`,
  "a\nnameserver 192.0.2.1",
])("%p is no domain", (given) => {
  expect(outcome(parseDnsSearch(given))).toEndWith('for "--dns-search": it is not a valid domain');
});

test("an option of resolv.conf is one word", () => {
  expect(outcome(parseDnsOption("ndots:2"))).toBe("ndots:2");
  expect(outcome(parseDnsOption("use-vc"))).toBe("use-vc");
  expect(outcome(parseDnsOption("a\nnameserver 192.0.2.1"))).toBe(
    'invalid argument "a\\nnameserver 192.0.2.1" for "--dns-option": it is an option of resolv.conf(5) such as ndots:2',
  );
});
