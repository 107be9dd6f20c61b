import { expect, test } from "bun:test";
import type { ContainerFacts } from "./facts.ts";
import type { RunOptions } from "./options.ts";
import { hostFacts, rootlessFacts } from "./testing/facts.ts";
import { linesOf, made, mountAt } from "./testing/made.ts";

const facts: ContainerFacts = {
  ...hostFacts,
  containers: { web: { pid: 42, hostname: "web", domainname: "example.org", shm: "/run/web/shm" } },
};
const web = { container: "web" };

const listed = (options: RunOptions, given = facts) =>
  made(options, given).linux.namespaces?.map(({ type, path }) => (path ? `${type} ${path}` : type));

test("what is the host's is not listed", () => {
  const host = "host";
  expect(listed({ network: host, uts: host, pid: host, ipc: host, cgroupns: host })).toEqual([
    "mount",
  ]);
});

test("an own network is one, connected or not", () => {
  for (const network of ["private", "none", { network: "bridge" }] as const) {
    expect(listed({ network })).toContain("network");
    expect(made({ network }).extras.network).toEqual(network);
  }
});

test("namespaces of another container, and of a file", () => {
  expect(
    listed({ network: web, uts: web, pid: web, ipc: web, cgroupns: web, userns: web }),
  ).toEqual([
    "mount",
    "network /proc/42/ns/net",
    "uts /proc/42/ns/uts",
    "pid /proc/42/ns/pid",
    "ipc /proc/42/ns/ipc",
    "cgroup /proc/42/ns/cgroup",
    "user /proc/42/ns/user",
  ]);
  expect(listed({ pid: { path: "/run/ns/pid" } })).toContain("pid /run/ns/pid");
});

test("who cannot be joined", () => {
  expect(linesOf({ pid: { container: "toString" }, network: { path: "rel" } }, facts)).toEqual([
    'invalid argument "ns:rel" for "--network": it is no absolute path',
    'invalid argument "container:toString" for "--pid": no such container is running',
  ]);
});

test("a cgroup namespace is the default with cgroup v2 alone", () => {
  for (const cgroups of ["v1", "hybrid", "none"] as const) {
    expect(listed({}, { ...hostFacts, cgroups })).not.toContain("cgroup");
    expect(listed({ cgroupns: "private" }, { ...hostFacts, cgroups })).toContain("cgroup");
  }
});

test("a user namespace, asked for or needed", () => {
  expect(listed({ userns: "private" })).toContain("user");
  expect(made({ userns: "private" }).linux.uidMappings).toBeUndefined();
  const { linux } = made({}, rootlessFacts);
  expect(linux.namespaces).toContainEqual({ type: "user" });
  expect(linux.uidMappings).toEqual([{ containerID: 0, hostID: 1000, size: 1 }]);
  expect(linux.gidMappings).toEqual([{ containerID: 0, hostID: 1000, size: 1 }]);
  expect({ ...linux.sysctl }).toEqual({ "net.ipv4.ip_unprivileged_port_start": "0" });
  expect(linux.resources).toBeUndefined();
  expect(linesOf({ userns: "host" }, rootlessFacts)).toEqual([
    'invalid argument "host" for "--userns": only root can do without a user namespace',
  ]);
});

test("who joins a container without being root joins its user namespace too", () => {
  const rootless = { ...rootlessFacts, containers: facts.containers };
  for (const option of ["network", "pid", "ipc"]) {
    const { linux } = made({ [option]: web }, rootless);
    expect(linux.namespaces).toContainEqual({ type: "user", path: "/proc/42/ns/user" });
    expect(linux.uidMappings).toBeUndefined();
  }
  expect(listed({ pid: web, userns: "private" }, rootless)).toContain("user");
  expect(mountAt(made({ pid: web }, rootless), "/proc")?.type).toBe("proc");
});

test.each<[string, RunOptions, string | undefined, string]>([
  ["its own", {}, "4bf9c0d1a2e3", "4bf9c0d1a2e3"],
  ["as asked for", { hostname: "box" }, "box", "box"],
  ["the host's network", { network: "host" }, "build.example", "build.example"],
  ["the host's network, but a name", { network: "host", hostname: "box" }, "box", "box"],
  ["the host's names", { uts: "host" }, undefined, "build.example"],
  ["another's network", { network: web }, "web", "web"],
  ["another's names", { uts: web }, undefined, "web"],
])("the machine's name: %s", (_, options, set, seen) => {
  const { spec, extras, process } = made(options, facts);
  expect(spec.hostname).toBe(set);
  expect(extras.hostname).toBe(seen);
  expect(process.env).toContain(`HOSTNAME=${seen}`);
});

test("who shares a network has its domain too", () => {
  expect(made({ network: web }, facts).spec.domainname).toBe("example.org");
});

test("what somebody else decides cannot be asked for", () => {
  const address = "192.0.2.1";
  expect(linesOf({ uts: "host", hostname: "a", domainname: "b" })).toEqual([
    "-h, --hostname: conflicting options: hostname and the UTS mode, which is somebody else's to set",
    "--domainname: conflicting options: domainname and the UTS mode, which is somebody else's to set",
  ]);
  expect(
    linesOf(
      { network: web, hostname: "a", dns: [address], addHosts: [{ name: "b", address }] },
      facts,
    ),
  ).toEqual([
    "-h, --hostname: conflicting options: hostname and the network mode, which is somebody else's to set",
    "--dns: conflicting options: dns and the network mode, which is somebody else's to set",
    "--add-host: conflicting options: custom host-to-IP mapping and the network mode, which is somebody else's to set",
  ]);
});

test("settings for the network are docker's only in a network of one's own", () => {
  for (const network of ["host", web, { path: "/run/ns/net" }] as const) {
    expect(made({ network }, facts).linux.sysctl).toBeUndefined();
  }
  expect(made({ network: "none" }).linux.sysctl).toBeDefined();
});
