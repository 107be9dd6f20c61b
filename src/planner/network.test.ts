import { expect, test } from "bun:test";
import { planConnection } from "./network.ts";

const netavark = { program: "/n", nameServer: null, environment: [], shared: "/run/n" };
const container = { id: "0123456789ab", directory: "/run/c" };
const opsOf = (bridge: string | null) =>
  planConnection(netavark, container, { interface: "eth0", config: "{}", bridge }, null).map(
    ({ op }) => op,
  );

test("no container tells this machine its routes (CVE-2020-13401)", () => {
  const ops = opsOf("pv-1");
  expect(ops.map(({ op }) => op)).toEqual(["write", "network_setup", "write"]);
  expect(ops[2]).toMatchObject({
    at: { path: "/proc/sys/net/ipv6/conf/pv-1/accept_ra" },
    text: "0",
    how: "existing",
  });
});

test("where the kernel has no IPv6 there is nothing to say", () => {
  expect(opsOf(null).map(({ op }) => op)).toEqual(["write", "network_setup"]);
});
