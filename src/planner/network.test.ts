import { expect, test } from "bun:test";
import { planConnection } from "./network.ts";

const netavark = { program: "/n", nameServer: null, environment: [], shared: "/run/n" };
const container = { id: "0123456789ab", directory: "/run/c" };
const opsOf = (ipv6: boolean) => {
  const connection = { interface: "eth0", config: "{}", bridge: "pv-1", ipv6 };
  return planConnection(netavark, container, connection, null).map(({ op }) => op);
};

test("no container tells this machine its routes (CVE-2020-13401)", () => {
  const ops = opsOf(true);
  expect(ops.map(({ op }) => op)).toEqual(["write", "network_setup", "write"]);
  expect(ops[2]).toMatchObject({
    at: { path: "/proc/sys/net/ipv6/conf/pv-1/accept_ra" },
    text: "0",
    how: "existing",
  });
});

test("what connects a container keeps its network apart from the others", () => {
  expect(opsOf(true)[1]).toMatchObject({ op: "network_setup", bridge: "pv-1" });
});

test("where the kernel has no IPv6 there is nothing to say", () => {
  expect(opsOf(false).map(({ op }) => op)).toEqual(["write", "network_setup"]);
});
