// Network devices that go over to the container, in a network namespace of the test's own.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type BundleConfig, makeBundle } from "./bundle.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

let root = "";
let bundles = 0;

/** What stands in for the host: two veths that are each other's ends. */
const host = `
  ip link add host0 mtu 1400 address 02:00:00:00:00:07 type veth peer name host1
  ip addr add 10.9.8.7/24 brd + dev host0
  ip addr add 10.9.8.9 peer 10.9.9.1/30 dev host0
  ip addr add 169.254.1.1/16 scope link dev host0
  ip link set host0 up
  ip -6 addr add fd00::5/64 dev host0 nodad
  ip -6 addr add fd00::6/64 dev host0 nodad valid_lft 900 preferred_lft 900
`;

function run(
  netDevices: Record<string, unknown>,
  script: string,
  { before = "", after = "", change = (_config: BundleConfig): void => undefined } = {},
): Ran {
  const bundle = makeBundle(ground, `bundle-${bundles++}`, root, (config) => {
    config.process["args"] = ["/bin/sh", "-c", script];
    config.linux["netDevices"] = netDevices;
    change(config);
  });
  const pivot = [pivotPath, ...ground.roots(), "run", "--rm", "--bundle", bundle];
  const all = `set -e; ${host}${before}\nset +e; "$@"; code=$?; ${after}\nexit $code`;
  return ground.command(["unshare", "-n", "-m", "sh", "-c", all, "sh", ...pivot]);
}

const ip = "/bin/busybox ip";

const whyNotHere =
  whyNot ?? (Bun.which("ip") === null ? "ip is not there: apt-get install iproute2" : undefined);
const ground = new Ground("net-devices", whyNotHere);

describe.skipIf(whyNotHere !== undefined)(`network devices (${whyNotHere ?? "as root"})`, () => {
  beforeAll(() => {
    root = makeSmallRoot(ground, "root");
  });
  afterAll(() => ground.close());

  test("a device goes over with its permanent global addresses, is renamed, and is on", () => {
    const ran = run({ host0: { name: "inside" } }, `${ip} addr show inside; ${ip} route`, {
      after: "ip link show host0",
    });
    expect(ran.stderr).toMatch(/^Device "host0" does not exist\.\n$/);
    const { stdout } = ran;
    expect(stdout).toMatch(/inside(@\w+)?: <[^>]*\bUP\b[^>]*> mtu 1400/);
    expect(stdout).toContain("link/ether 02:00:00:00:00:07");
    expect(stdout).toContain("inet 10.9.8.7/24 brd 10.9.8.255 scope global inside");
    expect(stdout).toContain("inet 10.9.8.9 peer 10.9.9.1/30 scope global");
    expect(stdout).toContain("inet6 fd00::5/64 scope global");
    expect(stdout).not.toContain("fd00::6");
    expect(stdout).not.toContain("169.254.1.1");
    expect(stdout).toContain("10.9.8.0/24 dev inside");
  });

  test("without a name it keeps its own; with %d it gets the first number that is free", () => {
    expect(run({ host0: {} }, `${ip} link show host0`).code).toBe(0);
    const both = run({ host0: { name: "net%d" }, host1: { name: "net%d" } }, `${ip} -o link`);
    expect(both.stdout).toMatch(/net0@net1/);
    expect(both.stdout).toMatch(/net1@net0/);
  });

  test("what cannot be is refused, and the device stays on the host", () => {
    const after = "ip -o link show host0 | grep -c ,UP";
    const taken = run({ host0: { name: "lo" } }, "true", { after });
    expect(taken).toMatchObject({ code: 125, stdout: "1\n" });
    expect(taken.stderr).toMatch(/^pivot: cannot move the network device host0 .*EEXIST.*%d\n$/);
    const none = run({ nothere: {} }, "true");
    expect(none.stderr).toMatch(/nothere .*ENODEV.*the host has no network device of this name\n$/);
    const loopback = run({ lo: { name: "other" } }, "true");
    expect(loopback.stderr).toMatch(/cannot move the network device lo .*EINVAL[^\n]*\n$/);
  });

  test("into a user namespace, and into a network namespace that is there already", () => {
    const inside = run({ host0: { name: "in0" } }, `${ip} -o addr show in0`, {
      change: ({ linux }) => {
        (linux["namespaces"] as unknown[]).push({ type: "user" });
        const map = [{ containerID: 0, hostID: 0, size: 65536 }];
        linux["uidMappings"] = linux["gidMappings"] = map;
      },
    });
    expect(inside.stderr).toBe("");
    expect(inside.stdout).toContain("10.9.8.7/24");
    const path = `${ground.directory}/netns`;
    const joined = run({ host0: { name: "in0" } }, `${ip} -o addr show in0`, {
      before: `touch ${path}; unshare --net=${path} true`,
      after: `umount ${path}`,
      change: ({ linux }) => {
        const others = (linux["namespaces"] as { type: string }[]).filter(
          ({ type }) => type !== "network",
        );
        linux["namespaces"] = [...others, { type: "network", path }];
      },
    });
    expect(joined.stderr).toBe("");
    expect(joined.stdout).toContain("10.9.8.7/24");
  });
});
