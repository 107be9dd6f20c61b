// Plans of cgroups, carried out on the machine at hand, whatever layout it has.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { release, tmpdir } from "node:os";
import { type CgroupPlan, type CgroupRequest, planCgroup } from "../src/cgroup/mod.ts";
import { encodePlan } from "../src/executor/encode.ts";
import { readEvents } from "../src/executor/events.ts";
import { readCgroupFacts, readCgroupLayout } from "../src/host/cgroups.ts";
import type { Namespace } from "../src/plan/constants.ts";
import type { Op, Step } from "../src/plan/op.ts";
import type { CgroupLayout } from "../src/planner/facts.ts";
import type { LinuxDeviceCgroup, LinuxResources } from "../src/spec/mod.ts";
import { formatProblem } from "../src/spec/problem.ts";

const layout = readCgroupLayout();
const [major = 0, minor = 0] = release().split(".").map(Number);
const executor =
  process.env["PIVOT_EXECUTOR"] ??
  ["pivot", "pivot-executor"]
    .map((name) => new URL(`../build/${name}`, import.meta.url).pathname)
    .find((path) => existsSync(path));

const reason =
  process.getuid?.() !== 0
    ? "only root may make cgroups"
    : layout.mode === "none"
      ? "there is no mount of cgroups that can be written to"
      : executor === undefined
        ? "the executor is not built"
        : undefined;

const directory = mkdtempSync(`${tmpdir()}/pivot-cgroup-`);

afterAll(() => {
  rmSync(directory, { recursive: true });
  // Switching a controller on for the machine's root cgroup outlasts containers, not this test.
  for (const { mount, enabled } of layout.v2 === null || reason !== undefined ? [] : [layout.v2]) {
    const file = `${mount}/cgroup.subtree_control`;
    const now = readFileSync(file, "utf8").split(/\s/).filter(Boolean);
    for (const name of now) if (!enabled.includes(name)) writeFileSync(file, `-${name}`);
  }
});

let count = 0;
const freshName = (): string => `pivot-test-${process.pid}-${count++}`;

function make(
  resources: LinuxResources | undefined,
  {
    name = freshName(),
    on = layout,
    joinAll = false,
  }: { name?: string; on?: CgroupLayout; joinAll?: boolean } = {},
): CgroupPlan {
  const kernel: CgroupRequest["kernel"] = [major, minor];
  const request: CgroupRequest = { name, resources, kernel, rootless: false, joinAll };
  const result = planCgroup({ ...request, ...readCgroupFacts(request, on) }, on);
  if (Array.isArray(result)) throw new Error(result.map(formatProblem).join("\n"));
  return result;
}

const by = (actor: Step["by"], op: Op): Step => ({ by: actor, op, why: "test" });

/** Runs a shell's script, or any program, in the planned cgroup, with this machine's root. */
function run(plan: CgroupPlan, script: string, program = "/bin/sh", namespaces: Namespace[] = []) {
  const argv = ["sh", "-c", script];
  const fresh: Step[] = namespaces.length === 0 ? [] : [by("init", { op: "unshare", namespaces })];
  const steps: Step[] = [
    ...plan.make,
    by("parent", {
      op: "clone",
      namespaces: ["mount"],
      cgroup: plan.clone,
      user: null,
      process: null,
      join: [],
      proc: null,
    }),
    ...plan.join,
    ...fresh,
    by("init", { op: "close_fds", from: 3 }),
    by("init", { op: "exec", paths: [program], argv, env: ["PATH=/usr/bin:/bin"] }),
    by("parent", {
      op: "supervise",
      signals: true,
      parent: true,
      status: null,
      replace: false,
      oom: null,
    }),
  ];
  const planFile = `${directory}/plan-${count++}`;
  const resultFile = `${directory}/result-${count++}`;
  writeFileSync(planFile, encodePlan({ version: 1, steps }));
  const files = [openSync(planFile, "r+"), openSync(resultFile, "w+")] as const;
  const { status, stdout, stderr } = spawnSync(executor ?? "", ["run", "3", "4"], {
    argv0: "pivot-executor",
    stdio: ["ignore", "pipe", "pipe", ...files],
    encoding: "utf8",
  });
  for (const file of files) closeSync(file);
  const { events } = readEvents(readFileSync(resultFile));
  return { status, stdout, stderr, events };
}

const memberships = (text: string): Map<string, string> =>
  new Map(
    text
      .trim()
      .split("\n")
      .map((line) => line.split(":"))
      .map(([, controllers = "", ...path]) => [controllers, path.join(":")]),
  );

/** The files that the plan writes limits to, and what it writes. */
const limitsOf = (plan: CgroupPlan): Map<string, string> =>
  new Map(
    plan.make.flatMap(({ op }): [string, string][] =>
      op.op === "write" && op.at !== null && !/subtree_control$|\/devices\./.test(op.at.path)
        ? [[op.at.path, op.text]]
        : [],
    ),
  );

/** Whether a process is there and is not just waiting for its parent to notice its end. */
function isRunning(pid: string): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

const everyGone = (plan: CgroupPlan): void => {
  expect(plan.paths.filter((path) => existsSync(path))).toEqual([]);
};

describe.skipIf(reason !== undefined)(`cgroups (${reason ?? layout.mode})`, () => {
  test("the layout names directories that are there", () => {
    const all = [...layout.v1, ...(layout.v2 === null ? [] : [layout.v2])];
    for (const { mount, own } of all) {
      expect(existsSync(`${mount}${own}/cgroup.procs`)).toBeTrue();
    }
  });

  test("the process is in every planned cgroup, and they go with it", () => {
    const plan = make(undefined, { name: `/${freshName()}` });
    const { status, stdout, stderr } = run(plan, "cat /proc/self/cgroup");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const found = memberships(stdout);
    const name = plan.paths[0]?.split("/").at(-1);
    for (const { controllers, mount } of layout.v1) {
      if (!plan.paths.some((path) => path.startsWith(`${mount}/`))) continue;
      expect(found.get(controllers.join(","))).toBe(`/${name}`);
    }
    if (plan.clone !== null) expect(found.get("")).toBe(`/${name}`);
    expect(plan.paths.length).toBeGreaterThan(0);
    everyGone(plan);
  });

  test("a process that joins all is in every hierarchy, and they go with it", () => {
    const plan = make(undefined, { joinAll: true });
    const { status, stdout, stderr } = run(plan, "cat /proc/self/cgroup");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const name = plan.paths[0]?.split("/").at(-1) ?? "";
    const outside = [...memberships(stdout)].filter(([, path]) => !path.endsWith(`/${name}`));
    expect(outside).toEqual([]);
    expect(plan.paths.length).toBe(layout.v1.length + (layout.v2 === null ? 0 : 1));
    everyGone(plan);
  });

  test("limits are in force while the process runs", () => {
    const resources: LinuxResources = {
      memory: { limit: 67108864n, swap: 67108864n, reservation: 33554432n },
      cpu: { shares: 512n, quota: 20000n, period: 50000n, cpus: "0" },
      pids: { limit: 32n },
      blockIO: { weight: 500 },
      hugepageLimits: [{ pageSize: "2MB", limit: 4194304n }],
      ...(layout.mode === "v2"
        ? { unified: { "memory.high": "62914560", "cgroup.max.depth": "4" } }
        : { unified: { "cgroup.max.depth": "4" } }),
    };
    const plan = make(resources);
    const limits = limitsOf(plan);
    const script = [...limits.keys()].map((file) => `cat ${file}`).join("; ");
    const { stdout, stderr } = run(plan, `${script}; cat /proc/self/cgroup >&2`);
    const values = stdout.trim().split("\n");
    const lines = stderr.trim().split("\n");
    // `io.weight` says "default 4950" for the weight on all devices.
    expect(values.map((value) => value.replace(/^default /, ""))).toEqual([...limits.values()]);
    expect(limits.size).toBeGreaterThanOrEqual(11);
    expect(lines.length).toBeGreaterThan(0);
    everyGone(plan);
  });

  test("too much memory ends the process, a task too many does not begin", () => {
    const greedy = make({ memory: { limit: 8388608n, swap: 8388608n } });
    expect(run(greedy, "exec tail /dev/zero").status).toBe(128 + 9);
    everyGone(greedy);
    for (const limit of [0n, 1n]) {
      const alone = make({ pids: { limit } });
      const { stdout, stderr } = run(alone, "echo first; (echo second); true");
      expect(stdout).toBe("first\n");
      expect(stderr).toMatch(/fork/i);
      everyGone(alone);
    }
  });

  test("a cgroup namespace that is made after joining has the container's cgroup as its root", () => {
    const plan = make({ pids: { limit: 8n } });
    const { stdout } = run(plan, "cat /proc/self/cgroup", "/bin/sh", ["cgroup"]);
    const found = memberships(stdout);
    const key = layout.v1.find(({ controllers }) => controllers.includes("pids"))?.controllers;
    expect(found.get(key?.join(",") ?? "")).toBe("/");
    everyGone(plan);
  });

  test("a start that fails leaves no cgroup, and what is there already is not touched", () => {
    const plan = make({ pids: { limit: 8n } });
    const { status, events } = run(plan, "", "/no/such/program");
    expect(status).toBe(127 - 2);
    expect(events.map(({ kind }) => kind)).toEqual(["failed"]);
    everyGone(plan);

    const last = plan.paths.at(-1) ?? "";
    mkdirSync(last);
    try {
      const again = run(plan, "true");
      expect(again.events).toMatchObject([{ kind: "failed", errno: 17 }]);
      expect(plan.paths.filter((path) => existsSync(path))).toEqual([last]);
    } finally {
      rmdirSync(last);
    }
  });

  test("what still runs in the cgroup ends with it, and cgroups made inside go too", () => {
    const plan = make(undefined);
    const own = plan.paths[0] ?? "";
    const start = Date.now();
    const script = `mkdir ${own}/inner && sleep 60 >/dev/null 2>&1 & sleep 0.1; echo $!`;
    const { status, stdout } = run(plan, script);
    expect(status).toBe(0);
    expect(Date.now() - start).toBeLessThan(5000);
    expect(isRunning(stdout.trim())).toBeFalse();
    everyGone(plan);
  });

  test("cgroups above the container's are made, and stay for others", () => {
    const top = freshName();
    const plan = make(
      { cpu: { cpus: "0" }, pids: { limit: 8n }, memory: { limit: 67108864n } },
      { name: `/${top}/pod/web` },
    );
    const above = plan.paths.map((path) => path.slice(0, path.lastIndexOf("/")));
    try {
      const limits = limitsOf(plan);
      const own = [...limits].filter(([file]) => file.includes("/pod/web/"));
      const { status, stdout } = run(plan, own.map(([file]) => `cat ${file}`).join(";"));
      expect(status).toBe(0);
      expect(stdout.trim().split("\n")).toEqual(own.map(([, text]) => text));
      everyGone(plan);
      expect(above.filter((path) => !existsSync(path))).toEqual([]);
    } finally {
      for (const path of above) {
        if (existsSync(path)) rmdirSync(path);
        const parent = path.slice(0, path.lastIndexOf("/"));
        if (existsSync(parent)) rmdirSync(parent);
      }
    }
  });
});

/** /dev/kmsg is readable for root and not among the devices that a container is promised. */
const kmsg = { type: "c", major: 1, minor: 11 } as const;

const tryDevices =
  "(: </dev/null) && (: >/dev/zero) && echo promised; (: </dev/kmsg) && echo read; (: >>/dev/kmsg) && echo write";

const withoutDevices: CgroupLayout = {
  ...layout,
  v1: layout.v1.filter(({ controllers }) => !controllers.includes("devices")),
};

const keepers = [
  ["version 1", layout.v1.length > withoutDevices.v1.length ? layout : undefined],
  ["version 2", layout.v2 === null ? undefined : withoutDevices],
] as const;

/** What a process can do with devices under rules that one version of cgroups keeps. */
function underRules(rules: readonly LinuxDeviceCgroup[], on: CgroupLayout | undefined) {
  const plan = make({ devices: rules }, on === undefined ? {} : { on });
  const { stdout, stderr, events } = run(plan, tryDevices);
  everyGone(plan);
  return { stdout: stdout.split("\n").filter(Boolean), stderr, events };
}

for (const [keeper, on] of keepers) {
  const why =
    reason ?? (on === undefined ? `there is no hierarchy of ${keeper} for it` : undefined);
  describe.skipIf(why !== undefined)(`device rules in ${keeper} (${why ?? layout.mode})`, () => {
    test("what no rule allows is denied by the kernel", () => {
      const { stdout, stderr, events } = underRules([{ allow: false }], on);
      expect(events.map(({ kind }) => kind)).toEqual(["started", "ended"]);
      expect(stdout).toEqual(["promised"]);
      expect(stderr).toMatch(/kmsg: Operation not permitted/);
    });

    test("a rule allows a device, or a part of its uses", () => {
      expect(underRules([{ allow: true, ...kmsg, access: "rw" }], on).stdout).toEqual([
        "promised",
        "read",
        "write",
      ]);
      expect(underRules([{ allow: true, ...kmsg, access: "r" }], on).stdout).toEqual([
        "promised",
        "read",
      ]);
      expect(
        underRules(
          [
            { allow: true, ...kmsg },
            { allow: false, ...kmsg, access: "r" },
          ],
          on,
        ).stdout,
      ).toEqual(["promised", "write"]);
    });

    test("all but one device", () => {
      expect(
        underRules([{ allow: true }, { allow: false, ...kmsg, access: "w" }], on).stdout,
      ).toEqual(["promised", "read"]);
    });

    test("the kernel takes a program for a great many rules", () => {
      const many = Array.from({ length: 400 }, (_, i) => ({
        allow: i % 3 !== 0,
        type: i % 2 === 0 ? ("b" as const) : ("c" as const),
        major: 300 + i,
        access: ["r", "rw", "m", "rwm"][i % 4] ?? "r",
      }));
      expect(underRules(many, on).stdout).toEqual(["promised"]);
    });
  });
}
