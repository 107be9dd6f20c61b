import { expect, test } from "bun:test";
import { parseIpcMode, parseNamespaceMode, parseNetworkMode } from "./namespace-mode.ts";
import { outcome } from "./testing/outcome.ts";

test.each([
  ["private", "private"],
  ["host", "host"],
  ["container:web_1", { container: "web_1" }],
  ["ns:/proc/1/ns/pid", { path: "/proc/1/ns/pid" }],
])("%s", (given, mode) => {
  for (const option of ["--pid", "--uts", "--cgroupns", "--userns"] as const) {
    expect<unknown>(outcome(parseNamespaceMode(given, option))).toEqual(mode);
  }
  expect<unknown>(outcome(parseIpcMode(given))).toEqual(mode);
  expect<unknown>(outcome(parseNetworkMode(given))).toEqual(mode);
});

test.each(["", "none", "container:", "container:a b", "ns:rel", "web"])(
  "--pid %p is refused",
  (given) => {
    expect(outcome(parseNamespaceMode(given, "--pid"))).toBe(
      `invalid argument "${given}" for "--pid": invalid mode: it is private, host, container:NAME or ns:/path`,
    );
  },
);

test("ipc knows two modes more", () => {
  expect(outcome(parseIpcMode("shareable"))).toBe("shareable");
  expect(outcome(parseIpcMode("none"))).toBe("none");
  expect(outcome(parseIpcMode("own"))).toBe(
    'invalid argument "own" for "--ipc": invalid mode: it is private, shareable, none, host, container:NAME or ns:/path',
  );
});

test.each([
  ["none", "none"],
  ["default", "private"],
  ["bridge", { network: "bridge" }],
  ["my-net.1", { network: "my-net.1" }],
  [
    "name=web,alias=x,alias=y,ip=10.0.0.2,ip6=fd00::2,mac-address=02-42-AC-11-00-02",
    {
      network: "web",
      aliases: ["x", "y"],
      ip: "10.0.0.2",
      ip6: "fd00::2",
      mac: "02:42:ac:11:00:02",
    },
  ],
])("--network %s", (given, mode) => {
  expect<unknown>(outcome(parseNetworkMode(given))).toEqual(mode);
});

const names = "it is none, host, pasta, container:NAME, ns:/path or the name of a network";

test.each([
  ["", names],
  ["container:", names],
  ["container", names],
  ["a b", names],
  ["alias=x", "name=NETWORK is missing"],
  ["name=web,color=x", "unknown setting color: there are name, alias, ip, ip6 and mac-address"],
  ["name=web,ip=fd00::1", "it is an IPv4 address"],
  [
    "name=web,mac-address=01:00:00:00:00:00",
    "it is the address of a group, and not of one interface",
  ],
])("--network %p is refused", (given, reason) => {
  expect(outcome(parseNetworkMode(given))).toBe(
    `invalid argument "${given}" for "--network": ${reason}`,
  );
});
