// Plans of changed limits: what is written, in which order, and what is refused.

import { expect, test } from "bun:test";
import type { CgroupLayout } from "../planner/facts.ts";
import type { LinuxResources, Problem } from "../spec/mod.ts";
import { formatProblem } from "../spec/problem.ts";
import type { PresentLimits } from "./present.ts";
import { hybrid, none, pureV2 } from "./testing/layouts.ts";
import { outline } from "./testing/outline.ts";
import { planUpdate, type UpdatePlan, type UpdateRequest } from "./update.ts";

const directoriesOf = (layout: CgroupLayout): string[] =>
  layout.v1
    .filter(({ controllers }) => !controllers.includes("cpuset"))
    .map(({ mount }) => `${mount}/a`)
    .concat(layout.v2 === null ? [] : [`${layout.v2.mount}/pod/a`]);

const update = (
  layout: CgroupLayout,
  resources: LinuxResources,
  present: PresentLimits = {},
  request: Partial<UpdateRequest> = {},
) =>
  planUpdate(
    {
      resources,
      directories: directoriesOf(layout),
      present,
      kernel: [6, 18],
      rootless: false,
      ...request,
    },
    layout,
  );

function planned(result: UpdatePlan | Problem[]): UpdatePlan {
  if (Array.isArray(result)) throw new Error(result.map(formatProblem).join("\n"));
  return result;
}

/** What is written, as `file = text`. */
const written = (result: UpdatePlan | Problem[]): string[] =>
  planned(result).steps.flatMap(({ op }) =>
    op.op === "write" && op.at !== null ? [`${op.at.path.replace(/.*\//, "")} = ${op.text}`] : [],
  );

const refusals = (result: UpdatePlan | Problem[]): string[] =>
  Array.isArray(result) ? result.map(formatProblem) : [];

const MB = 1048576n;

test("nothing new, nothing to do", () => {
  expect(planned(update(hybrid, {}))).toEqual({ steps: [], warnings: [] });
});

test("each limit goes to the cgroup of its hierarchy", () => {
  const { steps } = planned(update(hybrid, { memory: { limit: MB }, pids: { limit: -1n } }));
  expect(outline(steps)).toEqual([
    "parent: /sys/fs/cgroup/memory/a/memory.limit_in_bytes = 1048576 (linux.resources.memory.limit)",
    "parent: /sys/fs/cgroup/pids/a/pids.max = max (linux.resources.pids.limit)",
  ]);
});

test("version 1: memory and swap together stay at or above memory, whichever way they move", () => {
  const both = (limit: bigint, swap: bigint, present: PresentLimits) =>
    written(update(hybrid, { memory: { limit, swap } }, present));
  const raise = ["memory.memsw.limit_in_bytes = 8388608", "memory.limit_in_bytes = 4194304"];
  expect(both(4n * MB, 8n * MB, { memory: MB, swap: 2n * MB })).toEqual(raise);
  expect(both(4n * MB, 8n * MB, { memory: 16n * MB, swap: 32n * MB })).toEqual(raise.toReversed());
  expect(both(4n * MB, 8n * MB, { memory: null, swap: null })).toEqual(raise.toReversed());
  expect(both(-1n, -1n, { memory: MB, swap: MB })).toEqual([
    "memory.memsw.limit_in_bytes = -1",
    "memory.limit_in_bytes = -1",
  ]);
});

test("no limit of memory is none of swap either, where swap is counted", () => {
  const lift = { memory: { limit: -1n } };
  expect(written(update(hybrid, lift, { memory: MB, swap: 2n * MB }))).toEqual([
    "memory.memsw.limit_in_bytes = -1",
    "memory.limit_in_bytes = -1",
  ]);
  expect(written(update(hybrid, lift, { memory: MB }))).toEqual(["memory.limit_in_bytes = -1"]);
  const controllers = ["memory"];
  expect(written(update(pureV2, lift, { memory: MB, swap: 2n * MB, controllers }))).toEqual([
    "memory.max = max",
    "memory.swap.max = max",
  ]);
});

test("a limit of memory that the one of swap in force does not hold is refused", () => {
  const present = { memory: 2n * MB, swap: 4n * MB };
  const expected = "a memory limit that is at most that of memory and swap together";
  for (const layout of [hybrid, pureV2]) {
    const on = { ...present, controllers: ["memory"] };
    expect(refusals(update(layout, { memory: { limit: 8n * MB } }, on))).toEqual([
      `linux.resources.memory.limit: expected ${expected}, received 8388608 bytes and 4194304 bytes together: change linux.resources.memory.swap too`,
    ]);
    expect(refusals(update(layout, { memory: { swap: MB } }, on))).toEqual([
      `linux.resources.memory.swap: expected ${expected}, received 2097152 bytes and 1048576 bytes together: change linux.resources.memory.limit too`,
    ]);
  }
  expect(refusals(update(hybrid, { memory: { swap: MB } }, { memory: null, swap: null }))).toEqual([
    `linux.resources.memory.swap: expected ${expected}, received none and 1048576 bytes together: change linux.resources.memory.limit too`,
  ]);
});

test("version 2: swap is what the two limits differ by, the one in force included", () => {
  const present = { memory: 2n * MB, swap: 8n * MB, controllers: ["memory"] };
  const writes = (memory: LinuxResources["memory"]) =>
    written(update(pureV2, { memory: memory ?? {} }, present));
  expect(writes({ limit: 4n * MB })).toEqual(["memory.max = 4194304", "memory.swap.max = 4194304"]);
  expect(writes({ swap: 16n * MB })).toEqual(["memory.swap.max = 14680064"]);
  expect(writes({ swap: -1n })).toEqual(["memory.swap.max = max"]);
  const without = { memory: 2n * MB, swap: null, controllers: ["memory"] };
  expect(written(update(pureV2, { memory: { limit: MB } }, without))).toEqual([
    "memory.max = 1048576",
  ]);
});

test("a kernel that counts no swap is said so", () => {
  const wish = { memory: { limit: MB, swap: 2n * MB } };
  expect(refusals(update(hybrid, wish, { memory: null }))).toEqual([
    "linux.resources.memory.swap: expected a kernel that counts swap by cgroup, received one that does not: start Linux with swapaccount=1, or leave this out",
  ]);
});

test("checkBeforeUpdate refuses less than is in use", () => {
  const memory = { limit: MB, checkBeforeUpdate: true };
  const present = { memory: null, usage: 2n * MB };
  expect(refusals(update(hybrid, { memory }, present))).toEqual([
    "linux.resources.memory.limit: expected at least the 2097152 bytes that are in use, since checkBeforeUpdate is true, received 1048576 bytes",
  ]);
  expect(written(update(hybrid, { memory: { limit: MB } }, present))).toHaveLength(1);
});

test("version 1: between two writes the share of CPU never rises above both", () => {
  const present = { quota: 50000n, period: 100000n, burst: 0n };
  const cpu = (quota: bigint, period: bigint) =>
    written(update(hybrid, { cpu: { quota, period } }, present));
  expect(cpu(100000n, 200000n)).toEqual([
    "cpu.cfs_period_us = 200000",
    "cpu.cfs_quota_us = 100000",
  ]);
  expect(cpu(25000n, 50000n)).toEqual(["cpu.cfs_quota_us = 25000", "cpu.cfs_period_us = 50000"]);
  expect(cpu(-1n, 50000n)).toEqual(["cpu.cfs_quota_us = -1", "cpu.cfs_period_us = 50000"]);
});

test("version 2: quota and period are one line, of which the old half is said again", () => {
  const present = { quota: 50000n, period: 200000n, controllers: ["cpu"] };
  const write = (cpu: LinuxResources["cpu"], now: PresentLimits = present) =>
    written(update(pureV2, { cpu: cpu ?? {} }, now));
  expect(write({ quota: 30000n })).toEqual(["cpu.max = 30000 200000"]);
  expect(write({ period: 100000n })).toEqual(["cpu.max = 50000 100000"]);
  expect(write({ quota: -1n })).toEqual(["cpu.max = max 200000"]);
  expect(write({ period: 50000n }, { quota: null, controllers: ["cpu"] })).toEqual([
    "cpu.max = max 50000",
  ]);
});

test("a burst comes after the quota that it needs, or before the one that it would not fit", () => {
  const present = { quota: 50000n, period: 100000n, burst: 40000n };
  const write = (quota: bigint, burst: bigint) =>
    written(update(hybrid, { cpu: { quota, burst } }, present));
  expect(write(80000n, 60000n)).toEqual(["cpu.cfs_quota_us = 80000", "cpu.cfs_burst_us = 60000"]);
  expect(write(20000n, 10000n)).toEqual(["cpu.cfs_burst_us = 10000", "cpu.cfs_quota_us = 20000"]);
  expect(write(20000n, 0n)).toEqual(["cpu.cfs_burst_us = 0", "cpu.cfs_quota_us = 20000"]);
  expect(refusals(update(hybrid, { cpu: { quota: 20000n } }, present))).toEqual([
    "linux.resources.cpu.quota: expected a burst that is at most the quota, received a burst of 40000 and a quota of 20000 microseconds: change linux.resources.cpu.burst too",
  ]);
  expect(refusals(update(hybrid, { cpu: { burst: 60000n } }, present))).toEqual([
    "linux.resources.cpu.burst: expected a burst that is at most the quota, received a burst of 60000 and a quota of 50000 microseconds: change linux.resources.cpu.quota too",
  ]);
});

test("a weight is given to a cgroup before it is idle, or after", () => {
  const shares = (idle: number, present: PresentLimits) =>
    written(update(hybrid, { cpu: { shares: 512n, idle } }, present));
  expect(shares(1, { idle: 0n })).toEqual(["cpu.shares = 512", "cpu.idle = 1"]);
  expect(shares(0, { idle: 1n })).toEqual(["cpu.idle = 0", "cpu.shares = 512"]);
  expect(shares(0, { idle: 0n })).toEqual(["cpu.shares = 512"]);
  expect(refusals(update(hybrid, { cpu: { shares: 512n } }, { idle: 1n }))).toEqual([
    "linux.resources.cpu.shares: expected a cgroup that is not idle, since an idle one has no weight, received one with cpu.idle at 1: set linux.resources.cpu.idle to 0 too",
  ]);
});

test("a hierarchy that was never joined is named", () => {
  expect(refusals(update(hybrid, { cpu: { cpus: "0" }, pids: { limit: 9n } }))).toEqual([
    "linux.resources.cpu.cpus: expected a container that is in a cgroup of cpuset, received one that was started without: start it with this limit, then it can be changed",
  ]);
  expect(
    refusals(update(hybrid, { devices: [{ allow: false }] }, {}, { directories: [] })),
  ).toEqual([
    "linux.resources.devices: expected a container that is in a cgroup of devices, received one that was started without: start it with this limit, then it can be changed",
  ]);
});

test("what the machine cannot keep is refused as at a start", () => {
  expect(refusals(update(none, { pids: { limit: 1n } }))).toHaveLength(1);
  expect(refusals(update(pureV2, { cpu: { realtimeRuntime: 1n } }))).toEqual([
    "linux.resources.cpu.realtimeRuntime: expected cgroups of version 1, which have real-time scheduling by cgroup, received cgroups of version 2: leave this out",
  ]);
});

test("version 2: controllers that are off for the cgroup are switched on from the top", () => {
  const resources = { pids: { limit: 5n }, memory: { limit: MB } };
  const { steps } = planned(update(pureV2, resources, { controllers: ["memory"] }));
  expect(outline(steps)).toEqual([
    "parent: /sys/fs/cgroup/cgroup.subtree_control = +pids (linux.resources.pids.limit)",
    "parent: /sys/fs/cgroup/pod/cgroup.subtree_control = +pids (linux.resources.pids.limit)",
    "parent: /sys/fs/cgroup/pod/a/memory.max = 1048576 (linux.resources.memory.limit)",
    "parent: /sys/fs/cgroup/pod/a/pids.max = 5 (linux.resources.pids.limit)",
  ]);
});

test("version 1: a new list of devices begins from a known state", () => {
  const devices = (...rules: NonNullable<LinuxResources["devices"]>) =>
    written(update(hybrid, { devices: rules }));
  expect(devices({ allow: false }).slice(0, 3)).toEqual([
    "devices.deny = a",
    "devices.allow = c *:* m",
    "devices.allow = b *:* m",
  ]);
  expect(devices({ allow: true })).toEqual(["devices.allow = a"]);
  expect(devices({ allow: true }, { allow: false, type: "c", major: 1, minor: 11 })).toEqual([
    "devices.allow = a",
    "devices.deny = c 1:11 rw", // making any node stays allowed
  ]);
});

test("version 2: a new program for devices, which takes the place of the old", () => {
  const { steps } = planned(update(pureV2, { devices: [{ allow: true }] }));
  expect(outline(steps)).toEqual([
    "parent: open /sys/fs/cgroup/pod/a path,directory as [cgroup] (linux.resources.devices)",
    "parent: device_filter [cgroup] 8 instructions (linux.resources.devices)",
  ]);
});
