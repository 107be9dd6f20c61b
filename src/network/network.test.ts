// Subnets that are free, routes, leases and ports: all that is decided before netavark is called.

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { listIfThere } from "../host/list-if-there.ts";
import { parseSubnet, type Subnet } from "./address.ts";
import { checkNetwork } from "./check.ts";
import { leaseDirectory, leasesOf, releaseLeases, removeStaleLeases, takeLease } from "./lease.ts";
import { freeSubnet, privateSubnet6 } from "./pool.ts";
import { atFamilies, publishedBy, takePorts } from "./ports.ts";
import { parseRoutes4, parseRoutes6 } from "./routes.ts";
import { parseSockets } from "./sockets.ts";
import {
  createNetwork,
  forgetNetwork,
  listNetworks,
  networksWithDefault,
  pickNetwork,
} from "./store.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-networks-`);
afterAll(() => rmSync(directory, { recursive: true }));
const roots = { runRoot: `${directory}/run`, dataRoot: `${directory}/data` };
const id = (digit: string): string => digit.repeat(64);
const subnet = (text: string): Subnet => parseSubnet(text) as Subnet;

test("a subnet that shares nothing with those that are taken", () => {
  expect(freeSubnet("large", [])).toBe("10.90.0.0/16");
  expect(freeSubnet("small", [])).toBe("10.91.0.0/24");
  expect(freeSubnet("small", [subnet("10.91.0.0/24"), subnet("10.91.1.128/25")])).toBe(
    "10.91.2.0/24",
  );
  // A network of a firm that has the whole of 10.
  expect(freeSubnet("large", [subnet("10.0.0.0/8")])).toBe("172.28.0.0/16");
  expect(freeSubnet("small", [subnet("10.0.0.0/8"), subnet("172.16.0.0/12")])).toBe(
    "192.168.240.0/24",
  );
  expect(freeSubnet("small", [subnet("0.0.0.0/0")])).toBeNull();
});

test("a prefix of IPv6 is one's own", () => {
  expect(privateSubnet6(Uint8Array.of(1, 2, 3, 4, 5))).toBe("fd01:203:405::/64");
  expect(privateSubnet6()).not.toBe(privateSubnet6());
});

test("routes as the kernel lists them", () => {
  const four = `Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0
docker0\t000011AC\t00000000\t0001\t0\t0\t0\t0000FFFF\t0\t0\t0
`;
  expect(parseRoutes4(four)).toEqual([
    { subnet: subnet("0.0.0.0/0"), interface: "eth0" },
    { subnet: subnet("172.17.0.0/16"), interface: "docker0" },
  ]);
  const six = `fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00000000000000000000000000000000 00000100 00000001 00000000 00000001     eth0
00000000000000000000000000000001 80 00000000000000000000000000000000 00 00000000000000000000000000000000 00000000 00000003 00000000 80200001       lo
`;
  expect(parseRoutes6(six)).toEqual([{ subnet: subnet("fd00::/64"), interface: "eth0" }]);
});

test("sockets as the kernel lists them", () => {
  const text = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1234 1
   1: 0100007F:1F91 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 5678 1
`;
  expect(parseSockets(text, "0A")).toEqual([{ port: 8080, address: "0100007F", inode: "1234" }]);
  expect(parseSockets(text, null).map(({ port }) => port)).toEqual([8080, 8081]);
});

test("a lease is one container's, and nobody's when that is gone", async () => {
  const path = `${leaseDirectory(roots, "net")}/10.0.0.2`;
  const lease = await takeLease(roots, "net", "10.0.0.2", id("a"));
  expect(lease).toEqual({ path, isNew: true });
  expect(await takeLease(roots, "net", "10.0.0.2", id("b"))).toBeNull();
  const again = await takeLease(roots, "net", "10.0.0.2", id("a"));
  expect(again).toEqual({ path, isNew: false });
  expect(leasesOf(roots, id("a"))).toEqual([path]);
  // Who found it there already does not take it away, nor does anybody who has none.
  releaseLeases([{ path, isNew: false }], id("a"));
  releaseLeases([{ path, isNew: true }], id("b"));
  expect(listIfThere(leaseDirectory(roots, "net"))).toEqual(["10.0.0.2"]);
  releaseLeases([{ path, isNew: true }], id("a"));
  expect(listIfThere(leaseDirectory(roots, "net"))).toEqual([]);
  // One of a container that is connected while it runs is nobody's once it does not.
  mkdirSync(`${roots.runRoot}/${id("c")}`);
  await takeLease(roots, "net", "10.0.0.3", id("c"), true);
  expect(await takeLease(roots, "net", "10.0.0.3", id("d"))).toBeNull();
  rmSync(`${roots.runRoot}/${id("c")}`, { recursive: true });
  expect(await takeLease(roots, "net", "10.0.0.3", id("d"))).not.toBeNull();
});

test("what a kill leaves over goes", async () => {
  const of = leaseDirectory(roots, "killed");
  mkdirSync(of, { recursive: true });
  symlinkSync(`${id("e")} runs`, `${of}/10.0.0.9`);
  await takeLease(roots, "killed", "10.0.0.8", id("f")); // about to start
  await removeStaleLeases(roots);
  expect(readdirSync(of)).toEqual(["10.0.0.8"]);
});

test("of many who want one lease at once, one gets it", async () => {
  const all = Array.from({ length: 64 }, (_, i) => takeLease(roots, "race", "10.0.0.2", `${i}`));
  expect((await Promise.all(all)).filter((path) => path !== null)).toHaveLength(1);
});

const taker = (who: string) => ({
  roots,
  id: id(who),
  nameOf: () => "other",
  took: () => {},
});
const port = (hostIp: string, first: number, last = first, count = 1) =>
  ({
    hostIp,
    hostFirst: first,
    hostLast: last,
    containerFirst: 80,
    count,
    protocol: "tcp",
  }) as const;

test("a port is one container's at an address, and at every address", async () => {
  await takePorts([port("127.0.0.1", 61001)], taker("1"));
  await takePorts([port("127.0.0.2", 61001)], taker("2"));
  for (const ip of ["", "0.0.0.0", "127.0.0.1"]) {
    await expect(takePorts([port(ip, 61001)], taker("3"))).rejects.toThrow(
      "port " +
        (ip === "" ? "" : `${ip}:`) +
        "61001/tcp of this machine is already allocated: container other has it",
    );
  }
  const [six] = await takePorts([port("::1", 61001)], taker("4"));
  expect(six).toEqual({
    host_ip: "::1",
    host_port: 61001,
    container_port: 80,
    range: 1,
    protocol: "tcp",
  });
  // Nothing is kept of what failed.
  expect(
    listIfThere(leaseDirectory(roots, "ports")).filter((name) => name.startsWith("tcp-61001")),
  ).toHaveLength(3);
});

test("ranges stay ranges; any of a range, and any at all, are what is free", async () => {
  expect(await takePorts([port("", 61010, 61012, 3)], taker("5"))).toEqual([
    { host_ip: "", host_port: 61010, container_port: 80, range: 3, protocol: "tcp" },
  ]);
  const [first] = await takePorts([port("", 61012, 61013)], taker("6"));
  expect(first?.host_port).toBe(61013);
  await expect(takePorts([port("", 61012, 61013)], taker("7"))).rejects.toThrow(
    "all ports from 61012 to 61013/tcp are in use",
  );
  const some = await Promise.all(
    Array.from({ length: 24 }, (_, i) => {
      const one = { ...taker("8"), id: i.toString(16).padStart(2, "0").repeat(32) };
      return takePorts([port("", 0)], one);
    }),
  );
  expect(new Set(some.flat().map(({ host_port }) => host_port)).size).toBe(24);
  await expect(takePorts([port("", 0, 0, 5000)], taker("9"))).rejects.toThrow("4096 are the most");
});

test("every address of a family is every address, where there is but one family", () => {
  expect(atFamilies([port("0.0.0.0", 1), port("", 2), port("10.0.0.1", 3)], false)).toEqual([
    port("", 1),
    port("", 2),
    port("10.0.0.1", 3),
  ]);
  expect(atFamilies([port("::1", 1), port("10.0.0.1", 1)], true)).toHaveLength(2);
  for (const ip of ["0.0.0.0", "::"]) {
    expect(() => atFamilies([port(ip, 1)], true)).toThrow(`cannot publish at ${ip} alone`);
  }
  expect(() => atFamilies([port("::1", 1)], false)).toThrow("has no IPv6");
});

test("-P publishes what is exposed, once", () => {
  const exposed = [
    { first: 80, count: 2, protocol: "tcp" },
    { first: 80, count: 1, protocol: "udp" },
  ] as const;
  const ports = publishedBy(exposed, [port("", 8080)]);
  expect(ports.map(({ containerFirst, protocol }) => `${containerFirst}/${protocol}`)).toEqual([
    "81/tcp",
    "80/udp",
  ]);
});

const plain = {
  internal: false,
  ipv6: false,
  attachable: false,
  labels: {},
  options: {},
  subnets: [],
};

test("networks are kept, found, and do not overlap", async () => {
  const made = await createNetwork(roots.dataRoot, { ...plain, name: "front", ipv6: true });
  expect(made.subnets.map(({ subnet: text }) => text.replace(/^fd.*::/, "fd::"))).toEqual([
    expect.stringMatching(/^(10|172|192)\./),
    "fd::/64",
  ]);
  expect(made.interface).toMatch(/^pv-[0-9a-f]{12}$/);
  await expect(createNetwork(roots.dataRoot, { ...plain, name: "front" })).rejects.toThrow(
    "already exists",
  );
  const inside = { subnet: subnet(made.subnets[0]?.subnet ?? ""), gateway: null, range: null };
  expect(
    createNetwork(roots.dataRoot, { ...plain, name: "other", subnets: [inside] }),
  ).rejects.toThrow("pool overlaps with other one on this address space: network front has");
  const all = await networksWithDefault(roots.dataRoot);
  expect(all.map(({ name }) => name)).toEqual(["front", "bridge"]);
  expect(await networksWithDefault(roots.dataRoot)).toEqual(all);
  expect(pickNetwork(all, made.id.slice(0, 8))).toEqual(made);
  expect(() => pickNetwork(all, "none-such")).toThrow("network none-such not found");
  await forgetNetwork(roots.dataRoot, made.id);
  expect((await listNetworks(roots.dataRoot)).map(({ name }) => name)).toEqual(["bridge"]);
});

test("subnets of networks that are made at once differ", async () => {
  const names = Array.from({ length: 16 }, (_, i) => `n${i}`);
  const made = await Promise.all(
    names.map((name) => createNetwork(roots.dataRoot, { ...plain, name })),
  );
  expect(new Set(made.map(({ subnets }) => subnets[0]?.subnet)).size).toBe(16);
});

test("what does not go together is said in docker's words", () => {
  const publish = [port("", 8080)];
  expect(checkNetwork("host", { publish }, true)).toEqual({
    problems: [],
    warnings: ["-p: published ports are discarded with --network host"],
  });
  expect(checkNetwork({ container: "a" }, { publish }, true).problems).toEqual([
    "-p: conflicting options: port publishing and the container type network mode",
  ]);
  expect(
    checkNetwork("none", { ip: "10.0.0.2", networks: [{ network: "a" }] }, true).problems,
  ).toEqual([
    "--network: conflicting options: none is no network that others can stand beside",
    "--ip: conflicting options: with --network none there is no network for it",
  ]);
  expect(checkNetwork({ network: "a" }, { publish, ip: "10.0.0.2" }, true).problems).toEqual([]);
});

test("a lease that was made a minute ago by a start that never came is nobody's", async () => {
  const of = leaseDirectory(roots, "old");
  mkdirSync(of, { recursive: true });
  symlinkSync(id("9"), `${of}/10.0.0.2`);
  const touch = ["touch", "-h", "-d", "-2 minutes", `${of}/10.0.0.2`];
  expect(Bun.spawnSync(touch).exitCode).toBe(0);
  expect(await takeLease(roots, "old", "10.0.0.2", id("8"))).not.toBeNull();
});
