import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { CgroupLayout } from "../planner/facts.ts";
import type { LinuxResources } from "../spec/mod.ts";
import { type CgroupRequest, planCgroup } from "./plan.ts";
import { hybrid, none, onlyV1, pureV2, systemd } from "./testing/layouts.ts";
import { outline, planned, refusals, written } from "./testing/outline.ts";

const plan = (
  layout: CgroupLayout,
  resources?: LinuxResources,
  request: Partial<CgroupRequest> = {},
) =>
  planCgroup({ name: "pivot-a", resources, kernel: [6, 18], rootless: false, ...request }, layout);

test("version 2: a directory, in which the process is born", () => {
  const { make, clone, join, paths, warnings } = planned(plan(pureV2));
  const directory = "/sys/fs/cgroup/user.slice/user-0.slice/pivot-a";
  expect(outline(make)).toEqual([
    `parent: mkdir ${directory} / remove_cgroup ${directory} (linux.cgroupsPath)`,
    `parent: open ${directory} path,directory as [cgroup] (linux.cgroupsPath)`,
  ]);
  expect({ clone, join, paths, warnings }).toEqual({
    clone: "cgroup",
    join: [],
    paths: [directory],
    warnings: [],
  });
});

test("version 2: controllers are switched on from the top, where they may be off", () => {
  const resources = { memory: { limit: 1048576n }, blockIO: { weight: 500 }, pids: { limit: 9n } };
  const { make } = planned(plan(pureV2, resources, { name: "/pivot/web/one" }));
  const why = "linux.resources.blockIO.weight, linux.resources.memory.limit";
  expect(outline(make)).toEqual([
    "parent: mkdir -p /sys/fs/cgroup/pivot/web (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cgroup.subtree_control = +io (linux.resources.blockIO.weight)",
    `parent: /sys/fs/cgroup/pivot/cgroup.subtree_control = +io +memory +pids (${why}, linux.resources.pids.limit)`,
    `parent: /sys/fs/cgroup/pivot/web/cgroup.subtree_control = +io +memory +pids (${why}, linux.resources.pids.limit)`,
    "parent: mkdir /sys/fs/cgroup/pivot/web/one / remove_cgroup /sys/fs/cgroup/pivot/web/one (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/pivot/web/one/io.weight = 4950 (linux.resources.blockIO.weight)",
    "parent: /sys/fs/cgroup/pivot/web/one/memory.max = 1048576 (linux.resources.memory.limit)",
    "parent: /sys/fs/cgroup/pivot/web/one/pids.max = 9 (linux.resources.pids.limit)",
    "parent: open /sys/fs/cgroup/pivot/web/one path,directory as [cgroup] (linux.cgroupsPath)",
  ]);
});

test("version 2 before Linux 5.7: the process moves, by a file that the parent opened", () => {
  const { make, clone, join } = planned(plan(pureV2, undefined, { kernel: [5, 6], name: "/a" }));
  expect(outline([...make.slice(2), ...join])).toEqual([
    "parent: open /sys/fs/cgroup/a/cgroup.procs write as [cgroup processes] (linux.cgroupsPath)",
    "init: [cgroup processes] = 0 (linux.cgroupsPath)",
  ]);
  expect(clone).toBeNull();
});

test("hybrid: a directory in each hierarchy that is joined, below the caller's own cgroup", () => {
  const { make, clone, join, paths } = planned(plan(hybrid, { memory: { limit: 4096n } }));
  expect(paths).toEqual([
    "/sys/fs/cgroup/cpu/pivot-a",
    "/sys/fs/cgroup/memory/job/pivot-a",
    "/sys/fs/cgroup/devices/pivot-a",
    "/sys/fs/cgroup/blkio/pivot-a",
    "/sys/fs/cgroup/pids/pivot-a",
  ]);
  const memory = "/sys/fs/cgroup/memory/job/pivot-a";
  expect(outline(make.filter(({ op }) => JSON.stringify(op).includes("memory")))).toEqual([
    `parent: mkdir ${memory} / remove_cgroup ${memory} (linux.cgroupsPath)`,
    `parent: ${memory}/memory.limit_in_bytes = 4096 (linux.resources.memory.limit)`,
    `parent: open ${memory}/tasks write as [cgroup memory] (linux.cgroupsPath)`,
  ]);
  expect(outline(join)).toEqual([
    "init: [cgroup cpu] = 0 (linux.cgroupsPath)",
    "init: [cgroup memory] = 0 (linux.cgroupsPath)",
    "init: [cgroup devices] = 0 (linux.cgroupsPath)",
    "init: [cgroup blkio] = 0 (linux.cgroupsPath)",
    "init: [cgroup pids] = 0 (linux.cgroupsPath)",
  ]);
  expect(clone).toBeNull();
});

test("hybrid: version 2 besides, for a limit that lives there", () => {
  const resources = {
    hugepageLimits: [{ pageSize: "2MB", limit: 4194304n }],
    unified: { "cgroup.max.depth": "3\n" },
  };
  const { make, clone, paths } = planned(plan(hybrid, resources));
  expect(outline(make).slice(-6)).toEqual([
    "parent: /sys/fs/cgroup/unified/cgroup.subtree_control = +hugetlb (linux.resources.hugepageLimits[0])",
    "parent: mkdir /sys/fs/cgroup/unified/pivot-a / remove_cgroup /sys/fs/cgroup/unified/pivot-a (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/unified/pivot-a/hugetlb.2MB.max = 4194304 (linux.resources.hugepageLimits[0])",
    "parent: /sys/fs/cgroup/unified/pivot-a/hugetlb.2MB.rsvd.max = 4194304 (linux.resources.hugepageLimits[0])",
    'parent: /sys/fs/cgroup/unified/pivot-a/cgroup.max.depth = 3 (linux.resources.unified["cgroup.max.depth"])',
    "parent: open /sys/fs/cgroup/unified/pivot-a path,directory as [cgroup] (linux.cgroupsPath)",
  ]);
  expect(clone).toBe("cgroup");
  expect(paths).toContain("/sys/fs/cgroup/unified/pivot-a");
});

test("systemd's layout: controllers together are one directory, and limits draw others in", () => {
  const { paths, join } = planned(plan(systemd));
  expect(paths).toEqual([
    "/sys/fs/cgroup/systemd/user.slice/session-1.scope/pivot-a",
    "/sys/fs/cgroup/cpu,cpuacct/user.slice/pivot-a",
    "/sys/fs/cgroup/memory/user.slice/session-1.scope/pivot-a",
    "/sys/fs/cgroup/devices/user.slice/pivot-a",
    "/sys/fs/cgroup/freezer/pivot-a",
    "/sys/fs/cgroup/blkio/user.slice/pivot-a",
    "/sys/fs/cgroup/pids/user.slice/session-1.scope/pivot-a",
  ]);
  expect(outline(join)[1]).toBe("init: [cgroup cpu,cpuacct] = 0 (linux.cgroupsPath)");
  const marked = planned(
    plan(systemd, {
      network: { classID: 1048577, priorities: [{ name: "eth0", priority: 5 }] },
      rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
    }),
  );
  expect(marked.paths).toContain("/sys/fs/cgroup/net_cls,net_prio/pivot-a");
  expect(written(marked)).toEqual([
    "net_cls.classid = 1048577",
    "net_prio.ifpriomap = eth0 5",
    "rdma.max = mlx5_1 hca_handle=3 hca_object=10000",
  ]);
});

test("cpuset of version 1: filled on the way down, from the nearest that is there", () => {
  const request = {
    name: "/a/b/c",
    cpusetParent: { directory: "/sys/fs/cgroup/cpuset/a", cpus: "0-3", mems: "0" },
  };
  const { make } = planned(plan(hybrid, { cpu: { cpus: "1" } }, request));
  const of = make.filter(({ op }) => JSON.stringify(op).includes("/cpuset/"));
  expect(outline(of)).toEqual([
    "parent: mkdir -p /sys/fs/cgroup/cpuset/a/b (linux.cgroupsPath)",
    "parent: mkdir /sys/fs/cgroup/cpuset/a/b/c / remove_cgroup /sys/fs/cgroup/cpuset/a/b/c (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cpuset/a/b/cpuset.cpus = 0-3 (linux.resources.cpu.cpus)",
    "parent: /sys/fs/cgroup/cpuset/a/b/cpuset.mems = 0 (linux.resources.cpu.cpus)",
    "parent: /sys/fs/cgroup/cpuset/a/b/c/cpuset.cpus = 1 (linux.resources.cpu.cpus)",
    "parent: /sys/fs/cgroup/cpuset/a/b/c/cpuset.mems = 0 (linux.resources.cpu.cpus)",
    "parent: open /sys/fs/cgroup/cpuset/a/b/c/tasks write as [cgroup cpuset] (linux.cgroupsPath)",
  ]);
  expect(refusals(plan(hybrid, { cpu: { mems: "0" } }))).toEqual([
    "linux.resources.cpu.mems: expected a cpuset above /sys/fs/cgroup/cpuset/pivot-a with CPUs and memory nodes, received none that could be read",
  ]);
});

test("a cpuset that shares its hierarchy is filled whenever that is joined", () => {
  const mount = "/sys/fs/cgroup/cpu,cpuset";
  const layout: CgroupLayout = {
    mode: "v1",
    v1: [{ controllers: ["cpu", "cpuset"], mount, own: "/" }],
    v2: null,
  };
  const cpusetParent = { directory: mount, cpus: "0-1", mems: "0" };
  expect(written(plan(layout, undefined, { cpusetParent }))).toEqual([
    "cpuset.cpus = 0-1",
    "cpuset.mems = 0",
  ]);
  expect(refusals(plan(layout))[0]).toStartWith("linux.cgroupsPath: expected a cpuset above");
});

const refused = (name: string) => refusals(plan(hybrid, undefined, { name }));

test("names that would lead elsewhere are refused", () => {
  const bad = ["", "/", "a/", "/a//b", "..", "a/../b", "/../x", "a/./b", "a\nb", "a\u0000b"];
  for (const name of [...bad, "x".repeat(256), "é".repeat(128), "/y".repeat(2000)]) {
    expect(refused(name)).toEqual([
      expect.stringMatching(/^linux\.cgroupsPath: expected a cgroup's path .*, received /),
    ]);
  }
  expect(refused("a/../b")[0]).toEndWith('received the string "a/../b", which goes up by ".."');
  expect(refused("x".repeat(256))[0]).toEndWith("received a component of 256 bytes");
  for (const name of ["a", "/docker/ab12", "kubepods/pod-1/x", "system.slice:pivot:a", "..a"]) {
    expect(refused(name)).toEqual([]);
  }
});

test("every directory of a plan lies in its hierarchy, and is taken away again", () => {
  const names = fc.stringMatching(/^\/?[a-z.]{1,3}(\/[a-z.]{1,3}){0,3}$/);
  fc.assert(
    fc.property(names, fc.constantFrom(hybrid, systemd, pureV2, onlyV1), (name, layout) => {
      const result = plan(layout, { memory: { limit: 1n } }, { name });
      if (Array.isArray(result)) return;
      const mounts = [...layout.v1, ...(layout.v2 === null ? [] : [layout.v2])];
      for (const path of result.paths) {
        expect(path.split("/")).not.toContain("..");
        expect(mounts.some(({ mount }) => path.startsWith(`${mount}/`))).toBeTrue();
        expect(path).toEndWith(name.startsWith("/") ? name : `/${name}`);
      }
      const removed = result.make.flatMap(({ undo }) =>
        undo?.op === "remove_cgroup" && undo.at !== null ? [undo.at.path] : [],
      );
      expect(removed).toEqual([...result.paths]);
      // What may be another's is never made as if it were ours.
      for (const { op, undo } of result.make) {
        if (op.op === "mkdir") expect(op.parents).toBe(undo === undefined);
      }
    }),
  );
});

test("a missing controller is a problem that names the field and what can be done", () => {
  expect(refusals(plan(onlyV1, { cpu: { shares: 512n }, pids: { limit: 3n } }))).toEqual([
    "linux.resources.cpu.shares: expected the cgroup controller cpu, received cgroups of version 1 with memory and freezer: mount it, start Linux without cgroup_disable=cpu, or leave this out",
    "linux.resources.pids.limit: expected the cgroup controller pids, received cgroups of version 1 with memory and freezer: mount it, start Linux without cgroup_disable=pids, or leave this out",
  ]);
  expect(refusals(plan(none, { memory: { limit: 4096n } }))).toEqual([
    "linux.resources.memory.limit: expected the cgroup controller memory, received no mount of cgroups that can be written to: mount it, start Linux without cgroup_disable=memory, or leave this out",
  ]);
  expect(refusals(plan(pureV2, { network: { classID: 1 } }))).toEqual([
    "linux.resources.network.classID: expected cgroups of version 1, which have the controller net_cls, received cgroups of version 2: leave this out",
  ]);
});

test("what asks for nothing needs nothing", () => {
  const nothing: LinuxResources = {
    devices: [],
    memory: { limit: -1n, swap: -1n, reservation: 0n, kernel: -1n, disableOOMKiller: false },
    cpu: { shares: 0n, quota: -1n, period: 100000n, cpus: "", idle: 0 },
    pids: { limit: -1n },
    blockIO: { weight: 0, weightDevice: [] },
    hugepageLimits: [],
    network: {},
    rdma: {},
    unified: {},
  };
  expect(plan(none, nothing)).toEqual({
    make: [],
    clone: null,
    join: [],
    paths: [],
    warnings: [],
  });
});

test("without root: version 2 for what is asked for, no cgroup for nothing", () => {
  const rootless = { rootless: true };
  expect(planned(plan(hybrid, undefined, rootless)).make).toEqual([]);
  expect(planned(plan(pureV2, undefined, rootless)).make).toEqual([]);
  expect(planned(plan(pureV2, undefined, { ...rootless, name: "/a" })).warnings).toEqual([
    "linux.cgroupsPath: not used: only root may make cgroups there",
  ]);
  const directory = "/sys/fs/cgroup/user.slice/user-0.slice";
  expect(outline(planned(plan(pureV2, { cpu: { quota: 5000n } }, rootless)).make)).toEqual([
    `parent: ${directory}/cgroup.subtree_control = +cpu (linux.resources.cpu.quota)`,
    `parent: mkdir ${directory}/pivot-a / remove_cgroup ${directory}/pivot-a (linux.cgroupsPath)`,
    `parent: ${directory}/pivot-a/cpu.max = 5000 100000 (linux.resources.cpu.quota)`,
    `parent: open ${directory}/pivot-a path,directory as [cgroup] (linux.cgroupsPath)`,
  ]);
  expect(planned(plan(hybrid, { memory: { limit: -1n } }, rootless)).make).toEqual([]);
  expect(refusals(plan(hybrid, { memory: { limit: 4096n } }, rootless))).toEqual([
    "linux.resources.memory.limit: expected cgroups of version 2 with the controller memory, delegated to this user, received the controller memory in version 1 at /sys/fs/cgroup/memory: run it as root, or leave this out",
  ]);
});

test("device rules go to the version that can keep them, or are said not to be in force", () => {
  const resources = { devices: [{ allow: false }] };
  expect(written(plan(hybrid, resources)).slice(0, 3)).toEqual([
    "devices.deny = a",
    "devices.allow = c *:* m",
    "devices.allow = b *:* m",
  ]);
  const filter = "parent: device_filter [cgroup] ";
  expect(outline(planned(plan(pureV2, resources)).make).at(-1)).toStartWith(filter);
  const withoutV1 = { ...hybrid, v1: hybrid.v1.filter(({ mount }) => !mount.endsWith("devices")) };
  expect(outline(planned(plan(withoutV1, resources)).make).at(-1)).toStartWith(filter);
  expect(planned(plan(onlyV1, resources)).warnings).toEqual([
    "linux.resources.devices: not in force: there is no cgroup hierarchy that could keep them",
  ]);
  expect(planned(plan(pureV2, resources, { rootless: true }))).toMatchObject({
    make: [],
    warnings: [expect.stringContaining("not in force: only root may set them")],
  });
  // Nothing is denied: there is nothing to keep.
  const all = { devices: [{ allow: false }, { allow: true, access: "rwm" }] };
  expect(written(plan(hybrid, all))).toEqual([]);
  expect(planned(plan(none, all)).warnings).toEqual([]);
});
