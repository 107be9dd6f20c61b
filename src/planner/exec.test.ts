import { expect, test } from "bun:test";
import type { Op } from "../plan/op.ts";
import { planExec, type Target } from "./exec.ts";
import { byParent, onHost } from "./step.ts";
import { plainFacts } from "./testing/facts.ts";
import { plainSetting } from "./testing/setting.ts";

const attach: Op = { op: "sleep", time: 1 };

const target: Target = {
  of: onHost("/run/x/pid"),
  namespaces: ["mount", "pid", "cgroup"],
  linux: undefined,
  agent: [],
  cgroupFiles: ["/sys/fs/cgroup/x/cgroup.procs"],
  attach: null,
  root: null,
};

const stepsOf = (more: Partial<Target>) =>
  planExec(
    { ...target, ...more },
    { args: ["true"], cwd: "/", user: { uid: 0, gid: 0 } },
    plainSetting,
    plainFacts,
  ).plan.steps;

test("a process joins the container's cgroups by itself, at a file from before", () => {
  const steps = stepsOf({});
  const named = steps.map(({ by, op }) => `${by} ${op.op}`);
  expect(named.slice(0, 2)).toEqual(["parent process", "parent open"]);
  expect(steps.find(({ by, op }) => by === "init" && op.op === "write")?.op).toMatchObject({
    at: { in: "cgroup0" },
    text: "0",
  });
  expect(named).not.toContain("parent write_pid");
});

test("or systemd moves it as soon as it is there, and its entry proves that", () => {
  const steps = stepsOf({ attach });
  const clone = steps.findIndex(({ op }) => op.op === "clone");
  expect(steps.slice(clone + 1, clone + 3)).toEqual([
    byParent(attach, "the container's cgroups"),
    byParent(
      {
        op: "write_pid",
        at: onHost("/sys/fs/cgroup/x/cgroup.procs"),
        how: "existing",
        mode: 0,
        started: false,
        own: false,
      },
      "the container's cgroups",
    ),
  ]);
  expect(steps.some(({ by, op }) => by === "init" && op.op === "write")).toBe(false);
  // Nothing to move it to: nothing is asked for.
  expect(stepsOf({ attach, cgroupFiles: [] }).some(({ op }) => op === attach)).toBe(false);
});
