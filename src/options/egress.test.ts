import { expect, test } from "bun:test";
import { egressConflict, egressText, parseEgress, parseEgressEntry } from "./egress.ts";

const entries = (given: string): readonly string[] => {
  const parsed = parseEgress(given);
  if (!parsed.ok) throw new Error(parsed.problem.reason);
  return parsed.value;
};

const reason = (given: string): string => {
  const parsed = parseEgress(given);
  return parsed.ok ? `accepted: ${parsed.value.join()}` : parsed.problem.reason;
};

test("entries are kept as they are meant", () => {
  expect(entries("deny")).toEqual([]);
  expect(
    entries(
      "allow=Example.COM.:443,*.Example.org,db,10.0.0.0/8,192.0.2.1:53,[2001:DB8::/32]:443,[::1]",
    ),
  ).toEqual([
    "example.com:443",
    "*.example.org",
    "db",
    "10.0.0.0/8",
    "192.0.2.1:53",
    "[2001:db8::/32]:443",
    "[::1]",
  ]);
});

test("what was kept is read again", () => {
  for (const text of [
    "example.com:443",
    "*.a-b.example",
    "10.0.0.0/8:1",
    "[fe80::1]:65535",
    "_x.y",
  ]) {
    const parsed = parseEgressEntry(text);
    expect(parsed.ok && egressText(parsed.value)).toBe(text);
  }
});

test("what is no entry is refused with the reason", () => {
  const form = /looks like HOST/;
  for (const given of [
    "allow=",
    "allow=a,,b",
    "allow=https://example.com",
    "allow=exa mple.com",
    "allow=1.2.3",
    "allow=1.2.3.4/33",
    "allow=[1.2.3.4]",
    "allow=[2001:db8::/129]",
    "allow=a.*.b",
    "allow=-x.org",
    `allow=${"a".repeat(64)}.org`,
    "allow=a\nb",
    "allow=a;b",
  ]) {
    expect(reason(given)).toMatch(form);
  }
  expect(reason("allow")).toMatch(/deny, or allow=/);
  expect(reason("allow=*")).toMatch(/every name/);
  expect(reason("allow=2001:db8::1")).toMatch(/brackets/);
  expect(reason("allow=a:0")).toMatch(/1 to 65535/);
  expect(reason("allow=a:65536")).toMatch(/1 to 65535/);
});

test("rights that lead past the list are named", () => {
  expect(egressConflict(true, [])).toBe("--privileged");
  expect(egressConflict(false, ["net_admin"])).toBe("--cap-add NET_ADMIN");
  expect(egressConflict(false, ["CAP_NET_RAW"])).toBe("--cap-add NET_RAW");
  expect(egressConflict(false, ["all"])).toBe("--cap-add ALL");
  expect(egressConflict(false, ["SYS_TIME"])).toBe(null);
});
