import { expect, test } from "bun:test";
import {
  crowdedName,
  egressConflict,
  egressText,
  parseEgress,
  parseEgressEntry,
} from "./egress.ts";

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

test("a name under which more entries fall than the guard takes is named", () => {
  const crowd = (...texts: string[]): string | null =>
    crowdedName(
      texts.flatMap((text) => {
        const parsed = parseEgressEntry(text);
        return parsed.ok ? [parsed.value] : [];
      }),
    );
  const ports = (name: string, count: number): string[] =>
    Array.from({ length: count }, (_, i) => `${name}:${i + 1}`);
  expect(crowd(...ports("a.example", 16), ...ports("10.0.0.1", 40))).toBeNull();
  expect(crowd(...ports("a.example", 17))).toBe("a.example");
  // Each name below gets both wildcards, and a name that is listed besides gets them too.
  expect(crowd(...ports("*.b.example", 9), ...ports("*.example", 8))).toBe("*.b.example");
  expect(crowd(...ports("*.b.example", 8), ...ports("*.example", 8))).toBeNull();
  expect(crowd(...ports("*.example", 16), "a.example:99")).toBe("a.example");
  expect(crowd(...ports("*.example", 16), "example:99", "xexample:99")).toBeNull();
});
