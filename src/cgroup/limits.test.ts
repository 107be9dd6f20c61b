import { expect, test } from "bun:test";
import * as fc from "fast-check";
import type { LinuxResources } from "../spec/mod.ts";
import { weightOfShares } from "./cpu.ts";
import { type CgroupRequest, planCgroup } from "./plan.ts";
import { hybrid, onlyV1, pureV2, systemd } from "./testing/layouts.ts";
import { planned, refusals, written } from "./testing/outline.ts";

const request = (resources: LinuxResources): CgroupRequest => ({
  name: "/a",
  resources,
  kernel: [6, 18],
  rootless: false,
});

const v1 = (resources: LinuxResources) => planCgroup(request(resources), systemd);

/** Without what switches the controllers on. */
const onV2 = (resources: LinuxResources, more: Partial<CgroupRequest> = {}) =>
  written(planCgroup({ ...request(resources), ...more }, pureV2)).filter(
    (line) => !line.startsWith("cgroup.subtree_control"),
  );

const refusedOnV2 = (resources: LinuxResources) => refusals(planCgroup(request(resources), pureV2));

test("memory: the limit before memory and swap together", () => {
  const memory = { swap: 300n, limit: 200n, reservation: 100n, swappiness: 0, kernelTCP: 50n };
  expect(written(v1({ memory: { ...memory, disableOOMKiller: true } }))).toEqual([
    "memory.limit_in_bytes = 200",
    "memory.memsw.limit_in_bytes = 300",
    "memory.soft_limit_in_bytes = 100",
    "memory.kmem.tcp.limit_in_bytes = 50",
    "memory.swappiness = 0",
    "memory.oom_control = 1",
  ]);
  expect(written(v1({ memory: { limit: -1n, swap: -1n } }))).toEqual([
    "memory.limit_in_bytes = -1",
    "memory.memsw.limit_in_bytes = -1",
  ]);
});

test("memory in version 2: swap is counted alone", () => {
  const swapOf = (limit: bigint | undefined, swap: bigint) =>
    onV2({ memory: { ...(limit === undefined ? {} : { limit }), swap } });
  expect(swapOf(200n, 300n)).toEqual(["memory.max = 200", "memory.swap.max = 100"]);
  expect(swapOf(200n, 200n)).toEqual(["memory.max = 200", "memory.swap.max = 0"]);
  expect(swapOf(200n, -1n)).toEqual(["memory.max = 200", "memory.swap.max = max"]);
  expect(swapOf(-1n, 300n)).toEqual(["memory.max = max", "memory.swap.max = 300"]);
  expect(swapOf(200n, 0n)).toEqual(["memory.max = 200"]);
  expect(swapOf(undefined, -1n)).toEqual(["memory.swap.max = max"]);
  expect(onV2({ memory: { reservation: 100n } })).toEqual(["memory.low = 100"]);
  expect(refusedOnV2({ memory: { swap: 300n } })).toEqual([
    "linux.resources.memory.swap: expected a memory limit too, since this one is memory and swap together and version 2 counts swap alone, received 300 bytes without linux.resources.memory.limit",
  ]);
});

test("memory: swap below the limit is refused everywhere", () => {
  const refusal =
    "linux.resources.memory.swap: expected at least the memory limit of 200 bytes, which it includes, received 100 bytes";
  const memory = { limit: 200n, swap: 100n };
  expect(refusals(v1({ memory }))).toEqual([refusal]);
  expect(refusedOnV2({ memory })).toEqual([refusal]);
});

test("memory: what version 2 has no word for is refused, what it does anyway is not", () => {
  expect(
    refusedOnV2({ memory: { swappiness: 60, disableOOMKiller: true, useHierarchy: false } }),
  ).toEqual([
    "linux.resources.memory.swappiness: expected cgroups of version 1, which have a swappiness of their own, received cgroups of version 2: leave this out",
    "linux.resources.memory.disableOOMKiller: expected cgroups of version 1, which have a switch for the OOM killer, received cgroups of version 2: leave this out",
    "linux.resources.memory.useHierarchy: expected true, which is all that this kernel knows, received false: leave this out",
  ]);
  const harmless = { disableOOMKiller: false, useHierarchy: true, checkBeforeUpdate: true };
  expect(onV2({ memory: harmless })).toEqual([]);
  expect(written(v1({ memory: harmless }))).toEqual([]);
  const old = { ...request({ memory: { useHierarchy: true } }), kernel: [5, 10] as const };
  expect(written(planCgroup(old, onlyV1))).toEqual(["memory.use_hierarchy = 1"]);
});

test("memory: the kernel's own is not limited, and that is said", () => {
  const kernel =
    "linux.resources.memory.kernel: not in force: the kernel counts its own memory against linux.resources.memory.limit";
  const memory = { kernel: 100n, kernelTCP: 100n };
  expect(planned(v1({ memory })).warnings).toEqual([kernel]);
  expect(planned(planCgroup(request({ memory }), pureV2)).warnings).toEqual([
    kernel,
    "linux.resources.memory.kernelTCP: not in force: cgroups of version 2 count TCP buffers against linux.resources.memory.limit",
  ]);
});

test("cpu: shares, time and the rest in an order that the kernel takes", () => {
  const cpu = { idle: 1, burst: 100n, quota: 5000n, period: 10000n, shares: 512n };
  expect(written(v1({ cpu: { ...cpu, realtimeRuntime: 7n, realtimePeriod: 9n } }))).toEqual([
    "cpu.shares = 512",
    "cpu.cfs_period_us = 10000",
    "cpu.cfs_quota_us = 5000",
    "cpu.cfs_burst_us = 100",
    "cpu.rt_period_us = 9",
    "cpu.rt_runtime_us = 7",
    "cpu.idle = 1",
  ]);
  expect(onV2({ cpu })).toEqual([
    "cpu.weight = 59",
    "cpu.max = 5000 10000",
    "cpu.max.burst = 100",
    "cpu.idle = 1",
  ]);
  expect(written(v1({ cpu: { quota: -1n } }))).toEqual(["cpu.cfs_quota_us = -1"]);
  expect(onV2({ cpu: { quota: 5000n } })).toEqual(["cpu.max = 5000 100000"]);
  expect(onV2({ cpu: { period: 10000n } })).toEqual(["cpu.max = max 10000"]);
  expect(onV2({ cpu: { cpus: "0-1", mems: "0" } })).toEqual([
    "cpuset.cpus = 0-1",
    "cpuset.mems = 0",
  ]);
  expect(refusedOnV2({ cpu: { realtimeRuntime: 7n } })).toEqual([
    "linux.resources.cpu.realtimeRuntime: expected cgroups of version 1, which have real-time scheduling by cgroup, received cgroups of version 2: leave this out",
  ]);
});

test("cpu: files that a kernel is too old for are named", () => {
  const old = { ...request({ cpu: { burst: 5n, idle: 1 } }), kernel: [5, 13] as const };
  expect(refusals(planCgroup(old, pureV2))).toEqual([
    "linux.resources.cpu.burst: expected Linux 5.14 or later, which has cpu.max.burst, received Linux 5.13: leave this out, or use a newer kernel",
    "linux.resources.cpu.idle: expected Linux 5.15 or later, which has cpu.idle, received Linux 5.13: leave this out, or use a newer kernel",
  ]);
});

test("cpu: shares become a weight as in runc 1.3.2 and crun 1.23", () => {
  expect([1n, 2n, 1024n, 262144n, 300000n].map(weightOfShares)).toEqual([1, 1, 100, 10000, 10000]);
  fc.assert(
    fc.property(fc.bigInt({ min: 2n, max: 262143n }), (shares) => {
      const weight = weightOfShares(shares);
      expect(Number.isInteger(weight) && weight >= 1 && weight <= 10000).toBeTrue();
      expect(weightOfShares(shares + 1n)).toBeGreaterThanOrEqual(weight);
    }),
  );
  expect(planned(v1({ cpu: { shares: 1n } })).warnings).toEqual([
    "linux.resources.cpu.shares: 1 counts as 2, the edge of what the kernel takes",
  ]);
});

test("pids: zero is a limit, -1 is none", () => {
  const limits = [-1n, 0n, 1n, 64n];
  const expected = ["pids.max = max", "pids.max = 1", "pids.max = 1", "pids.max = 64"];
  expect(limits.flatMap((limit) => onV2({ pids: { limit } }))).toEqual(expected);
  expect(limits.flatMap((limit) => written(v1({ pids: { limit } })))).toEqual(expected);
  expect(onV2({ pids: {} })).toEqual([]);
});

test("block devices: rates and weights", () => {
  const device = { major: 8, minor: 16 };
  const blockIO = {
    weight: 500,
    weightDevice: [{ ...device, weight: 10 }],
    throttleReadBpsDevice: [{ ...device, rate: 1024n }],
    throttleWriteBpsDevice: [{ ...device, rate: 0n }],
    throttleReadIOPSDevice: [{ ...device, rate: 7n }],
    throttleWriteIOPSDevice: [{ ...device, rate: 9n }],
  };
  expect(written(v1({ blockIO }))).toEqual([
    "blkio.bfq.weight = 500",
    "blkio.bfq.weight_device = 8:16 10",
    "blkio.throttle.read_bps_device = 8:16 1024",
    "blkio.throttle.write_bps_device = 8:16 0",
    "blkio.throttle.read_iops_device = 8:16 7",
    "blkio.throttle.write_iops_device = 8:16 9",
  ]);
  const rates = ["rbps=1024", "wbps=max", "riops=7", "wiops=9"].map((r) => `io.max = 8:16 ${r}`);
  expect(onV2({ blockIO })).toEqual(["io.weight = 4950", "io.weight = 8:16 1", ...rates]);
  expect(onV2({ blockIO }, { ioWeight: "io.bfq.weight" })).toEqual([
    "io.bfq.weight = 500",
    "io.bfq.weight = 8:16 10",
    ...rates,
  ]);
  const cfq = {
    ...request({
      blockIO: { weight: 300, leafWeight: 20, weightDevice: [{ ...device, leafWeight: 9 }] },
    }),
    kernel: [4, 19] as const,
  };
  expect(written(planCgroup(cfq, hybrid))).toEqual([
    "blkio.weight = 300",
    "blkio.leaf_weight = 20",
    "blkio.leaf_weight_device = 8:16 9",
  ]);
});

test("block devices: weights that no kernel here keeps", () => {
  expect(refusedOnV2({ blockIO: { weight: 1001, leafWeight: 10 } })).toEqual([
    "linux.resources.blockIO.weight: expected a weight of at most 1000, received the number 1001",
    "linux.resources.blockIO.leafWeight: expected Linux before 5.0 with cgroups of version 1 and the scheduler CFQ, received a newer kernel: leave this out",
  ]);
});

test("huge pages: by use, and by reservation since Linux 5.7", () => {
  const resources = { hugepageLimits: [{ pageSize: "1GB", limit: 0n }] };
  expect(written(v1(resources))).toEqual([
    "hugetlb.1GB.limit_in_bytes = 0",
    "hugetlb.1GB.rsvd.limit_in_bytes = 0",
  ]);
  expect(onV2(resources)).toEqual(["hugetlb.1GB.max = 0", "hugetlb.1GB.rsvd.max = 0"]);
  expect(onV2(resources, { kernel: [5, 6] })).toEqual(["hugetlb.1GB.max = 0"]);
});

test("unified: a write for each line, after what the other fields ask for", () => {
  const unified = {
    "memory.high": "1000",
    "io.max": "259:0 rbps=2097152\n253:0 wiops=120\n",
    "misc.max": "res 3",
    "cgroup.max.depth": "5",
    "memory.max": "",
  };
  expect(onV2({ memory: { limit: 2000n }, unified })).toEqual([
    "io.max = 259:0 rbps=2097152",
    "io.max = 253:0 wiops=120",
    "memory.max = 2000",
    "memory.high = 1000",
    "misc.max = res 3",
    "cgroup.max.depth = 5",
  ]);
});

test("unified: only files of version 2's cgroup, whose controllers are there", () => {
  expect(
    refusedOnV2({ unified: { "../x.y": "1", "x/y.z": "1", max: "1", "nope.max": "1" } }),
  ).toEqual([
    'linux.resources.unified["../x.y"]: expected the name of a cgroup file such as "memory.high", received "../x.y"',
    'linux.resources.unified["x/y.z"]: expected the name of a cgroup file such as "memory.high", received "x/y.z"',
    'linux.resources.unified["max"]: expected the name of a cgroup file such as "memory.high", received "max"',
    'linux.resources.unified["nope.max"]: expected the controller nope in version 2, which has cpuset, cpu, io, memory, hugetlb, pids, rdma, misc, received no controller of this name: start Linux without cgroup_disable=nope, or leave this out',
  ]);
  expect(refusals(planCgroup(request({ unified: { "memory.high": "1" } }), hybrid))).toEqual([
    'linux.resources.unified["memory.high"]: expected the controller memory in version 2, which has hugetlb, received one in version 1 at /sys/fs/cgroup/memory: use the fields of linux.resources that have names',
  ]);
  expect(refusals(planCgroup(request({ unified: { "memory.high": "1" } }), onlyV1))).toEqual([
    'linux.resources.unified["memory.high"]: expected cgroups of version 2, received cgroups of version 1 with memory and freezer: use the fields of linux.resources that have names, or leave this out',
  ]);
});
