// Plans of containers that join every cgroup hierarchy.

import { expect, test } from "bun:test";
import type { CgroupLayout } from "../planner/facts.ts";
import { type CgroupRequest, planCgroup } from "./plan.ts";
import { hybrid, pureV2, systemd } from "./testing/layouts.ts";
import { outline, planned, refusals } from "./testing/outline.ts";

const cpusetParent = { directory: "/sys/fs/cgroup/cpuset", cpus: "0-3", mems: "0" };

const plan = (layout: CgroupLayout, request: Partial<CgroupRequest> = {}) =>
  planCgroup(
    {
      name: "/pod/a",
      resources: undefined,
      kernel: [6, 18],
      rootless: false,
      joinAll: true,
      cpusetParent,
      ...request,
    },
    layout,
  );

test("version 1: a directory in every hierarchy, those with a name only included", () => {
  const { paths, join } = planned(plan(systemd));
  const mounts = systemd.v1.map(({ mount }) => `${mount}/pod/a`);
  expect(paths).toEqual([...mounts, "/sys/fs/cgroup/unified/pod/a"]);
  expect(join.length).toBe(systemd.v1.length);
});

test("the cpuset is filled from the one above, and those between too", () => {
  const { make } = planned(plan(hybrid));
  const lines = outline(make).filter((line) => line.includes("/cpuset/"));
  expect(lines).toEqual([
    "parent: mkdir -p /sys/fs/cgroup/cpuset/pod (linux.cgroupsPath)",
    "parent: mkdir /sys/fs/cgroup/cpuset/pod/a / remove_cgroup /sys/fs/cgroup/cpuset/pod/a (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cpuset/pod/cpuset.cpus = 0-3 (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cpuset/pod/cpuset.mems = 0 (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cpuset/pod/a/cpuset.cpus = 0-3 (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cpuset/pod/a/cpuset.mems = 0 (linux.cgroupsPath)",
    "parent: open /sys/fs/cgroup/cpuset/pod/a/tasks write as [cgroup cpuset] (linux.cgroupsPath)",
  ]);
});

test("a cpuset that cannot be filled is said so", () => {
  expect(refusals(plan(hybrid, { cpusetParent: undefined }))).toEqual([
    "linux.cgroupsPath: expected a cpuset above /sys/fs/cgroup/cpuset/pod/a with CPUs and memory nodes, received none that could be read",
  ]);
});

test("version 2: what is on at the top is on all the way down", () => {
  const { make, paths } = planned(plan(pureV2, { resources: { blockIO: { weight: 10 } } }));
  expect(outline(make).slice(0, 4)).toEqual([
    "parent: mkdir -p /sys/fs/cgroup/pod (linux.cgroupsPath)",
    "parent: /sys/fs/cgroup/cgroup.subtree_control = +io (linux.resources.blockIO.weight)",
    "parent: /sys/fs/cgroup/pod/cgroup.subtree_control = +cpu +io +memory +pids (linux.cgroupsPath, linux.resources.blockIO.weight)",
    "parent: mkdir /sys/fs/cgroup/pod/a / remove_cgroup /sys/fs/cgroup/pod/a (linux.cgroupsPath)",
  ]);
  expect(paths).toEqual(["/sys/fs/cgroup/pod/a"]);
});

test("without root, version 1 is left alone all the same", () => {
  const { paths } = planned(plan(hybrid, { rootless: true, name: "a" }));
  expect(paths).toEqual([]);
});
