import { expect, test } from "bun:test";
import { maskOf } from "./id-list.ts";
import {
  findScheduleProblems,
  planAffinity,
  planExecutionDomain,
  planScheduling,
} from "./schedule.ts";

test("a list is a mask, the lowest number in the lowest bit", () => {
  expect(maskOf("0-3,7")).toEqual(Uint8Array.of(0x8f));
  expect(maskOf(" 8 , 0 ")).toEqual(Uint8Array.of(1, 1));
  expect(maskOf("")).toEqual(new Uint8Array());
  expect(maskOf("8191")?.length).toBe(1024);
});

test("a number that no kernel knows, and a range that ends before it begins, are no mask", () => {
  expect(maskOf("8192")).toBeNull();
  expect(maskOf("0-99999999999")).toBeNull();
  expect(maskOf("3-1")).toBeNull();
  expect(findScheduleProblems({ execCPUAffinity: { final: "3-1" } }, undefined, false)).toEqual([
    'process.execCPUAffinity.final: expected numbers below 8192 in rising ranges, such as 0-3,7, received "3-1"',
  ]);
});

test("the parent gives scheduler and I/O priority, the process itself the rest", () => {
  const user = { uid: 0, gid: 0 };
  const steps = planScheduling({
    args: ["x"],
    cwd: "/",
    user,
    scheduler: { policy: "SCHED_OTHER", nice: -1 },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
  });
  expect(steps.map(({ by, op }) => [by, op.op])).toEqual([
    ["parent", "scheduler"],
    ["parent", "io_priority"],
  ]);
  expect(steps[0]?.op).toMatchObject({ nice: 0xffffffff, priority: 0, period: 0n, flags: [] });
  const own = planExecutionDomain({
    personality: { domain: "LINUX32" },
    memoryPolicy: { mode: "MPOL_BIND", nodes: "1" },
  });
  expect(own.map(({ by, op }) => [by, op])).toEqual([
    ["init", { op: "memory_policy", mode: "MPOL_BIND", flags: [], nodes: Uint8Array.of(2) }],
    ["init", { op: "personality", persona: 8 }],
  ]);
  expect(planExecutionDomain(undefined)).toEqual([]);
});

test("an affinity is set before the cgroup is joined and after, where a list says so", () => {
  const { initial, final } = planAffinity({ initial: "0", final: "0-1" });
  expect(initial.map(({ op }) => op)).toEqual([{ op: "sched_affinity", cpus: Uint8Array.of(1) }]);
  expect(final.map(({ op }) => op)).toEqual([{ op: "sched_affinity", cpus: Uint8Array.of(3) }]);
  expect(planAffinity({ initial: "" })).toEqual({ initial: [], final: [] });
});

test("with --init what ends at a fork would never reach the program", () => {
  const deadline = { scheduler: { policy: "SCHED_DEADLINE" } } as const;
  expect(findScheduleProblems(deadline, undefined, false)).toEqual([]);
  expect(findScheduleProblems(deadline, undefined, true)).toHaveLength(1);
});
