import { expect, test } from "bun:test";
import type { ContainerFacts } from "./facts.ts";
import type { BindMount } from "./mount-option.ts";
import { hostFacts, rootlessFacts } from "./testing/facts.ts";
import { linesOf, made, mountAt } from "./testing/made.ts";

const guarded = ["nosuid", "noexec", "nodev"];

test("docker's mounts, in its order", () => {
  expect(made({}).spec.mounts).toEqual([
    { destination: "/proc", type: "proc", source: "proc", options: guarded },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: [...guarded, "ro"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: ["ro", ...guarded],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: guarded },
    {
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: [...guarded, "mode=1777", "size=67108864"],
    },
  ]);
});

test("a privileged container can write to /sys", () => {
  const container = made({ privileged: true, readOnly: true });
  expect(mountAt(container, "/sys")?.options).toEqual(guarded);
  expect(mountAt(container, "/sys/fs/cgroup")?.options).toEqual(guarded);
});

test("without cgroups there is nothing to show of them", () => {
  expect(mountAt(made({}, { ...hostFacts, cgroups: "none" }), "/sys/fs/cgroup")).toBeUndefined();
});

const shmOptions = (shmSize: number | bigint) => mountAt(made({ shmSize }), "/dev/shm")?.options;

test("/dev/shm has the size that is asked for", () => {
  expect(shmOptions(1024)).toEqual([...guarded, "mode=1777", "size=1024"]);
  expect(shmOptions(0n)).toEqual([...guarded, "mode=1777", "size=67108864"]);
});

test("/proc has its own options", () => {
  const container = made({ procOptions: { hidepid: "invisible", subset: "pid" } });
  expect(mountAt(container, "/proc")?.options).toEqual([...guarded, "hidepid=2", "subset=pid"]);
});

test.each<[string, Partial<BindMount>, readonly string[]]>([
  ["plain", {}, ["rbind", "rprivate"]],
  ["read-only", { readonly: true }, ["rbind", "rro", "rprivate"]],
  ["read-only at its top", { readonly: true, recursive: "writable" }, ["rbind", "ro", "rprivate"]],
  [
    "read-only or not at all",
    { readonly: true, recursive: "readonly" },
    ["rbind", "rro", "rprivate"],
  ],
  ["alone", { recursive: "disabled" }, ["bind", "rprivate"]],
  ["alone and read-only", { recursive: "disabled", readonly: true }, ["bind", "ro", "rprivate"]],
  ["a slave", { propagation: "rslave" }, ["rbind", "rslave"]],
])("a bind mount: %s", (_, change, options) => {
  const mount: BindMount = { type: "bind", source: "/src/", target: "/dst/", ...change };
  expect(mountAt(made({ mounts: [mount] }), "/dst")).toEqual({
    destination: "/dst",
    type: "bind",
    source: "/src",
    options,
  });
});

test("before Linux 5.12 read-only is that of one mount", () => {
  const old: ContainerFacts = { ...hostFacts, kernel: [5, 11] };
  const mount: BindMount = { type: "bind", source: "/a", target: "/b", readonly: true };
  expect(mountAt(made({ mounts: [mount] }, old), "/b")?.options).toEqual([
    "rbind",
    "ro",
    "rprivate",
  ]);
  expect(linesOf({ mounts: [{ ...mount, recursive: "readonly" }] }, old)).toEqual([
    'invalid argument "/b" for "--mount": read-only with all mounts below needs Linux 5.12',
  ]);
});

const rootPropagation = (...words: BindMount["propagation"][]) =>
  made({
    mounts: words.map((word, i) => ({
      type: "bind",
      source: "/a",
      target: `/b${i}`,
      propagation: word,
    })),
  }).linux.rootfsPropagation;

test("the root lets mounts travel as far as they have to", () => {
  expect(rootPropagation(undefined, "private", "rprivate")).toBeUndefined();
  expect(rootPropagation("slave", "private")).toBe("rslave");
  expect(rootPropagation("rslave", "rshared")).toBe("shared");
  expect(made({ rootPropagation: "private" }).linux.rootfsPropagation).toBe("private");
});

test("an empty file system in memory", () => {
  const container = made({
    tmpfs: { "/run": "", "/tmp/": "exec,size=1m" },
    mounts: [
      { type: "tmpfs", target: "/a", size: 1024, mode: 0o1700, readonly: true, options: ["uid=5"] },
    ],
  });
  const tmpfs = { type: "tmpfs", source: "tmpfs" };
  const options = ["noexec", "nosuid", "nodev", "rprivate"];
  expect(mountAt(container, "/run")).toEqual({ destination: "/run", ...tmpfs, options });
  expect(mountAt(container, "/tmp")?.options).toEqual([
    "nosuid",
    "nodev",
    "rprivate",
    "exec",
    "size=1m",
  ]);
  expect(mountAt(container, "/a")?.options).toEqual([
    ...options,
    "ro",
    "mode=1700",
    "size=1024",
    "uid=5",
  ]);
});

const bindAt = (target: string): BindMount => ({ type: "bind", source: "/s", target });

test("mounts go from the root downwards, after the default ones", () => {
  const { spec } = made({
    mounts: [bindAt("/a/b/c"), bindAt("/z"), bindAt("/a/b"), bindAt("/a")],
    tmpfs: { "/a/x": "" },
  });
  expect(spec.mounts?.slice(-5).map(({ destination }) => destination)).toEqual([
    "/z",
    "/a",
    "/a/b",
    "/a/x",
    "/a/b/c",
  ]);
});

const destinationsWith = (target: string) =>
  made({ mounts: [{ type: "bind", source: "/s", target }] }).spec.mounts?.map((m) => m.destination);

test("what is asked for stands in place of a default mount", () => {
  expect(destinationsWith("/dev/shm")).toEqual([
    "/proc",
    "/dev",
    "/dev/pts",
    "/sys",
    "/sys/fs/cgroup",
    "/dev/mqueue",
    "/dev/shm",
  ]);
  expect(destinationsWith("/dev")).toEqual(["/proc", "/sys", "/sys/fs/cgroup", "/dev"]);
});

test("what has to be done with the sources before", () => {
  const { extras } = made({
    mounts: [
      { type: "bind", source: "/a/", target: "/1", createSource: true, relabel: "private" },
      { type: "bind", source: "/b", target: "/2", relabel: "shared" },
    ],
  });
  expect(extras.createSources).toEqual(["/a"]);
  expect(extras.relabel).toEqual([
    { path: "/a", label: "private" },
    { path: "/b", label: "shared" },
  ]);
});

test("mounts that cannot be", () => {
  expect(
    linesOf({
      mounts: [
        { type: "bind", source: "/s", target: "/a" },
        { type: "bind", source: "/s", target: "/a/", createSource: true },
        { type: "bind", source: "rel", target: "/b" },
        { type: "bind", source: "/s", target: "rel" },
        { type: "bind", source: "/s", target: "/c", recursive: "writable" },
        {
          type: "bind",
          source: "/s",
          target: "/d",
          readonly: true,
          recursive: "readonly",
          propagation: "slave",
        },
        { type: "tmpfs", target: "/e", mode: 0o10000, size: 1.5 },
        { type: "tmpfs", target: "/f", options: ["bind"] },
        { type: "volume", source: "data", target: "/g" },
        { type: "volume", target: "/h" },
      ],
      tmpfs: { "/a": "" },
    }),
  ).toEqual([
    'invalid argument "/a" for "-v, --volume": duplicate mount point: it is asked for twice',
    'invalid argument "rel" for "--mount": the source is an absolute path of the host',
    'invalid argument "rel" for "--mount": the target rel is not an absolute path',
    'invalid argument "/c" for "--mount": bind-recursive=writable goes with readonly only',
    'invalid argument "/d" for "--mount": bind-recursive=readonly goes with bind-propagation=rprivate only',
    'invalid argument "1.5" for "--mount tmpfs-size": it is a whole number, and a bigint beyond 2^53',
    'invalid argument "4096" for "--mount tmpfs-mode": it is made of permission bits: 0 to 0o7777',
    'invalid argument "bind" for "--tmpfs": invalid tmpfs option bind: it is one such as size=64m, mode=1777 or exec',
    'invalid argument "data" for "-v, --volume": there is no place for volumes',
    'invalid argument "/h" for "-v, --volume": there is no place for volumes',
    'invalid argument "/a" for "--tmpfs": duplicate mount point: it is asked for twice',
  ]);
});

test("a kind of mount that nobody knows is refused to programs without types", () => {
  const mounts = JSON.parse('[{ "type": "npipe", "target": "/a" }]');
  expect(linesOf({ mounts })).toEqual([
    `invalid argument "/a" for "--mount": mount type 'npipe' unknown`,
  ]);
});

const sharedShm = (source: string) => ({
  destination: "/dev/shm",
  type: "bind",
  source,
  options: ["rbind", "rprivate", ...guarded],
});

test("/dev/shm goes with the ipc namespace", () => {
  const donor = { pid: 7, hostname: "donor" };
  const facts: ContainerFacts = {
    ...hostFacts,
    shm: "/run/own/shm",
    containers: { open: { ...donor, shm: "/run/open/shm" }, closed: donor },
  };
  expect(mountAt(made({ ipc: "none" }, facts), "/dev/shm")).toBeUndefined();
  expect(mountAt(made({ ipc: "host" }, facts), "/dev/shm")).toEqual(sharedShm("/dev/shm"));
  expect(mountAt(made({ ipc: "shareable" }, facts), "/dev/shm")).toEqual(sharedShm("/run/own/shm"));
  expect(mountAt(made({ ipc: { container: "open" } }, facts), "/dev/shm")).toEqual(
    sharedShm("/run/open/shm"),
  );
  expect(mountAt(made({ ipc: { path: "/x" } }, facts), "/dev/shm")?.type).toBe("tmpfs");
  expect(linesOf({ ipc: { container: "closed" } }, facts)).toEqual([
    'invalid argument "container:closed" for "--ipc": non-shareable IPC: start that container with --ipc shareable',
  ]);
  // Where the engine can take it out of a running container, it is one as any other.
  expect(mountAt(made({ ipc: "shareable" }), "/dev/shm")?.type).toBe("tmpfs");
});

const hostView = (path: string, options: readonly string[]) => ({
  destination: path,
  type: "bind",
  source: path,
  options: ["rbind", ...options],
});

test("in a user namespace the host's views are shown where they cannot be made", () => {
  const container = made({ network: "host", pid: "host", ipc: "host" }, rootlessFacts);
  expect(mountAt(container, "/proc")).toEqual(hostView("/proc", guarded));
  expect(mountAt(container, "/sys")).toEqual(hostView("/sys", [...guarded, "rro"]));
  expect(mountAt(container, "/dev/mqueue")).toEqual(hostView("/dev/mqueue", guarded));
  const own = made({}, rootlessFacts);
  expect(mountAt(own, "/proc")?.type).toBe("proc");
  expect(mountAt(own, "/sys")?.type).toBe("sysfs");
  expect(linesOf({ pid: "host", procOptions: { subset: "pid" } }, rootlessFacts)).toEqual([
    'invalid argument "subset=pid" for "--security-opt proc-opts": in a user namespace they need a pid namespace of the container\'s own',
  ]);
});

const hasTtyGroup = (facts: ContainerFacts) =>
  mountAt(made({}, facts), "/dev/pts")?.options?.includes("gid=5");

test("terminals belong to a group only if it is mapped", () => {
  const range = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  expect(hasTtyGroup(hostFacts)).toBe(true);
  expect(hasTtyGroup(rootlessFacts)).toBe(false);
  expect(hasTtyGroup({ ...rootlessFacts, idMappings: { uid: range, gid: range } })).toBe(true);
});
