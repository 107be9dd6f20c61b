import { expect, test } from "bun:test";
import type { Op } from "../plan/op.ts";
import type { LinuxResources } from "../spec/mod.ts";
import { type CgroupRequest, planCgroup, type ScopeAsk } from "./plan.ts";
import { hybrid, pureV2, systemd } from "./testing/layouts.ts";
import { outline, planned } from "./testing/outline.ts";
import { planUpdate } from "./update.ts";

const stop: Op = { op: "sleep", time: 1 };

/** What systemd is asked, as an operation that says it in a name. */
const ask: ScopeAsk = {
  start: (writes, rules) => ({
    op: "sethostname",
    name: [...writes.map(({ file }) => file), ...(rules === undefined ? [] : ["devices"])].join(),
  }),
  stop,
};

const request = (resources: LinuxResources, more: Partial<CgroupRequest> = {}): CgroupRequest => ({
  name: "/a.slice/x.scope",
  resources,
  kernel: [6, 12],
  rootless: false,
  joinAll: true,
  scope: ask,
  cpusetParent: { directory: "/sys/fs/cgroup/cpuset", cpus: "0-1", mems: "0" },
  ...more,
});

const resources: LinuxResources = {
  pids: { limit: 5n },
  devices: [{ allow: false, access: "rwm" }],
};

test("version 2: nothing before the process, then its scope, the files, and its entry", () => {
  const { make, around = [], clone, join, paths } = planned(planCgroup(request(resources), pureV2));
  expect({ make, clone, join }).toEqual({ make: [], clone: null, join: [] });
  const directory = "/sys/fs/cgroup/a.slice/x.scope";
  expect(paths).toEqual([directory]);
  const lines = outline(around);
  expect(around[0]).toMatchObject({
    op: { op: "sethostname", name: "pids.max,devices" },
    undo: stop,
  });
  expect(lines).toContain(
    `parent: mkdir -p ${directory} / remove_cgroup ${directory} (linux.cgroupsPath)`,
  );
  expect(lines).toContain(`parent: ${directory}/pids.max = 5 (linux.resources.pids.limit)`);
  expect(around.some(({ op }) => op.op === "device_filter")).toBe(true);
  const entry = around.findIndex(({ op }) => op.op === "write_pid");
  expect(around[entry]?.op).toMatchObject({
    at: { path: `${directory}/cgroup.procs` },
    how: "existing",
  });
});

test("version 1: a directory in each hierarchy, whoever makes it, and the parent moves the process", () => {
  for (const layout of [systemd, hybrid]) {
    const { make, around = [], join, paths } = planned(planCgroup(request(resources), layout));
    expect({ make, join }).toEqual({ make: [], join: [] });
    expect(paths.length).toBe(layout.v1.length + (layout.v2 === null ? 0 : 1));
    const entries = around.filter(({ op }) => op.op === "write_pid");
    expect(entries.length).toBe(paths.length);
    for (const { op } of around) if (op.op === "mkdir") expect(op.parents).toBe(true);
    expect(around.every(({ by }) => by === "parent")).toBe(true);
  }
});

test("a user's own: controllers are left to systemd", () => {
  const plan = planCgroup(request({ pids: { limit: 5n } }, { rootless: true }), pureV2);
  const lines = outline(planned(plan).around ?? []);
  expect(lines.filter((line) => line.includes("subtree_control"))).toEqual([]);
  expect(lines.some((line) => line.includes("pids.max = 5"))).toBe(true);
});

test("an update asks systemd first, and only for what it keeps", () => {
  const update = (more: LinuxResources, answer: Op | null) =>
    planUpdate(
      {
        resources: more,
        directories: ["/sys/fs/cgroup/a.slice/x.scope"],
        present: { controllers: ["pids"] },
        kernel: [6, 12],
        rootless: false,
        scope: (writes, rules) => (answer === null ? null : ask.start(writes, rules)),
      },
      pureV2,
    );
  const asked = update(resources, stop);
  expect("steps" in asked && asked.steps[0]?.op).toEqual({
    op: "sethostname",
    name: "pids.max,devices",
  });
  const quiet = update({ pids: { limit: 5n } }, null);
  expect("steps" in quiet && quiet.steps.map(({ op }) => op.op)).toEqual(["write"]);
});

test("below an outer scope: its own cgroup, its entry, then controllers, and only then its limits", () => {
  const outer: ScopeAsk = { ...ask, isOuter: true };
  const name = "/u.service/user.slice/pivot-x.scope/container";
  const own = { name, rootless: true, isDelegated: true, joinAll: false, scope: outer };
  const limits: LinuxResources = { pids: { limit: 5n }, memory: { limit: 7n } };
  const plan = planned(planCgroup(request(limits, own), pureV2));
  const { make, around = [], clone, join, paths } = plan;
  expect({ make, clone, join }).toEqual({ make: [], clone: null, join: [] });
  const directory = `/sys/fs/cgroup${name}`;
  expect(paths).toEqual([directory]);
  expect(around[0]?.undo).toEqual(stop);
  expect(around[2]?.op).toMatchObject({
    op: "write_pid",
    how: "existing",
    at: { path: `${directory}/cgroup.procs` },
  });
  const lines = outline(around).map((line) => line.replaceAll("/sys/fs/cgroup/u.service", ""));
  const scope = "/user.slice/pivot-x.scope";
  const enabling = pureV2.v2?.controllers
    .filter((each) => ["cpu", "cpuset", "io", "memory", "pids"].includes(each))
    .map((each) => `+${each}`)
    .join(" ");
  expect(enabling).toContain("+memory");
  expect(lines.slice(1)).toEqual([
    `parent: mkdir ${scope}/container / remove_cgroup ${scope}/container (linux.cgroupsPath)`,
    "parent: write_pid (linux.cgroupsPath)",
    `parent: ${scope}/cgroup.subtree_control = ${enabling} (linux.cgroupsPath)`,
    `parent: ${scope}/container/memory.max = 7 (linux.resources.memory.limit)`,
    `parent: ${scope}/container/pids.max = 5 (linux.resources.pids.limit)`,
  ]);
});
