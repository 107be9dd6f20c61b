import { expect, test } from "bun:test";
import { parseEgressEntry } from "../options/egress.ts";
import { egressRules, planEgressGuard, planEgressRules } from "./egress.ts";

const entries = (...texts: string[]) =>
  texts.map((text) => {
    const parsed = parseEgressEntry(text);
    if (!parsed.ok) throw new Error(parsed.problem.reason);
    return parsed.value;
  });

test("ranges are rules; names are the guard's, and no rule has them", () => {
  const rules = egressRules(
    entries("example.com:443", "10.0.0.0/8", "192.0.2.1:53", "[2001:db8::/32]:443", "[::1]"),
  );
  const accepted = rules.split("\n").filter((line) => / daddr [\d[:]/.test(line));
  expect(accepted.map((line) => line.trim())).toEqual([
    "ip daddr 10.0.0.0/8 accept",
    "ip daddr 192.0.2.1 meta l4proto { tcp, udp, sctp } th dport 53 accept",
    "ip6 daddr 2001:db8::/32 meta l4proto { tcp, udp, sctp } th dport 443 accept",
    "ip6 daddr ::1 accept",
  ]);
  expect(rules).not.toContain("example.com");
});

test("what no rule takes is told and refused, and nothing passes without rules", () => {
  const lines = egressRules([])
    .split("\n")
    .map((line) => line.trim());
  // What is the guard's alone, before all that is accepted.
  const guarded = lines.indexOf("meta mark 1885959791 ct mark set 1885959791");
  expect(lines.slice(guarded, guarded + 4)).toEqual([
    "meta mark 1885959791 ct mark set 1885959791",
    "ct mark 1885959791 meta mark != 1885959791 drop",
    'oifname "lo" meta mark 1885959791 drop',
    'oifname "lo" accept',
  ]);
  const end = lines.indexOf("reject with icmpx admin-prohibited");
  expect(lines[end - 1]).toStartWith("log group ");
  expect(lines[end + 1]).toBe("}");
  expect(lines.filter((line) => line.includes("policy"))).toEqual([
    "type filter hook output priority filter; policy drop;",
    "chain forward { type filter hook forward priority filter; policy drop; }",
  ]);
});

test("without a list there is no step", () => {
  expect(planEgressRules(null)).toEqual([]);
  expect(planEgressGuard({ id: "x", runRoot: "/run/x", egress: null })).toEqual([]);
});

test("the guard gets the names, and the servers in a file that nobody else reads", () => {
  const egress = {
    entries: entries("Example.com:443", "*.wild.org", "10.0.0.0/8"),
    nft: "/usr/sbin/nft",
    upstream: "nameserver 192.0.2.1\n",
  };
  const [file, guard] = planEgressGuard({ id: "x", runRoot: "/run/x", egress });
  expect(file?.op).toMatchObject({ op: "write", text: egress.upstream, mode: 0o600 });
  expect(guard?.op).toMatchObject({ op: "egress_guard", names: ["example.com:443", "*.wild.org"] });
});
