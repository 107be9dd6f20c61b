import { expect, test } from "bun:test";
import type { Step } from "../plan/op.ts";
import type { LinuxIntelRdt } from "../spec/mod.ts";
import { planIntelRdt, planRdtUpdate, rdtGroups } from "./intel-rdt.ts";
import { plainFacts } from "./testing/facts.ts";

const plan = (rdt: LinuxIntelRdt, schemata: string | null = null) =>
  planIntelRdt(rdt, "id", { ...plainFacts, resctrl: { mount: "/r", schemata } });

/** `mkdir /r/id`, `write /r/id/schemata L3:0=f`. */
const lines = (steps: readonly Step[]): string[] =>
  steps.map(({ op, undo }) => {
    const at =
      "at" in op && op.at !== null ? ` ${op.at.in === "host" ? op.at.path : op.at.in}` : "";
    return `${op.op}${at}${op.op === "write" ? ` ${op.text.trim()}` : ""}${undo === undefined ? "" : " …"}`;
  });

test("without the field nothing of resctrl is touched, and without resctrl it is refused", () => {
  expect(planIntelRdt(undefined, "id", plainFacts)).toEqual({ make: [], join: [], problems: [] });
  const { problems, make } = planIntelRdt({}, "id", { ...plainFacts, resctrl: null });
  expect(problems).toHaveLength(1);
  expect(make).toEqual([]);
});

test("without a closID the group has the container's id, and goes with it", () => {
  const { make, join, problems } = plan({
    l3CacheSchema: "L3:0=f\nMB:0=1",
    memBwSchema: "MB:0=20",
  });
  expect(problems).toEqual([]);
  expect(lines(make)).toEqual([
    "mkdir /r/id …",
    "write /r/id/schemata L3:0=f\nMB:0=20",
    "open /r/id/tasks",
  ]);
  expect(lines(join)).toEqual(["write rdt 0"]);
});

test("a group that is there must say the same, and stays", () => {
  const rdt = { closID: "gold", l3CacheSchema: "L3:1=00f;0=F0" };
  const same = plan(rdt, "    MB:0=100\n    L3:0=f0;1=f\n");
  expect(same.problems).toEqual([]);
  expect(lines(same.make)).toEqual(["open /r/gold/tasks"]);
  expect(plan(rdt, "L3:0=1;1=f\n").problems).toHaveLength(1);
  expect(lines(plan(rdt).make)[0]).toBe("mkdir /r/gold");
  expect(plan({ closID: "gold" }).problems).toEqual([
    "linux.intelRdt.closID: expected a group of resctrl, received /r/gold, which is not there",
  ]);
  expect(lines(plan({ closID: "/" }, "").make)).toEqual(["open /r/tasks"]);
});

test("schemata are written last, also to a group that is there", () => {
  const rdt = { closID: "gold", memBwSchema: "MB:0=20", schemata: ["L2:0=f", "L3:0=1"] };
  expect(lines(plan(rdt).make).filter((line) => line.startsWith("write"))).toEqual([
    "write /r/gold/schemata MB:0=20",
    "write /r/gold/schemata L2:0=f\nL3:0=1",
  ]);
  expect(lines(plan(rdt, "MB:0=20\n").make)).toEqual([
    "write /r/gold/schemata L2:0=f\nL3:0=1",
    "open /r/gold/tasks",
  ]);
});

test("monitoring has a group of the container's own", () => {
  const { make, join } = plan({ closID: "/", enableMonitoring: true }, "");
  expect(lines(make)).toEqual([
    "open /r/tasks",
    "mkdir /r/mon_groups/id …",
    "open /r/mon_groups/id/tasks",
  ]);
  expect(lines(join)).toEqual(["write rdt 0", "write rdt.monitor 0"]);
});

test("what goes with the container are the groups that were made for it alone, the inner first", () => {
  const monitored = { enableMonitoring: true };
  expect(rdtGroups({}, "id", "/r")).toEqual({ joined: ["/r/id"], own: ["/r/id"] });
  expect(rdtGroups(monitored, "id", "/r")).toEqual({
    joined: ["/r/id", "/r/id/mon_groups/id"],
    own: ["/r/id/mon_groups/id", "/r/id"],
  });
  expect(rdtGroups({ closID: "gold", ...monitored }, "id", "/r")).toEqual({
    joined: ["/r/gold", "/r/gold/mon_groups/id"],
    own: ["/r/gold/mon_groups/id"],
  });
  expect(rdtGroups({ closID: "/" }, "id", "/r")).toEqual({ joined: ["/r"], own: [] });
  for (const nothing of [rdtGroups(undefined, "id", "/r"), rdtGroups({}, "id", null)]) {
    expect(nothing).toEqual({ joined: [], own: [] });
  }
});

test("update changes the group that is the container's alone, and no other", () => {
  const change = { l3CacheSchema: "L3:0=f\nMB:0=1", memBwSchema: "MB:0=20" };
  const steps = planRdtUpdate({}, "id", "/r", change);
  expect(typeof steps === "string" ? steps : lines(steps)).toEqual([
    "write /r/id/schemata L3:0=f\nMB:0=20",
  ]);
  expect(planRdtUpdate(undefined, "id", "/r", {})).toEqual([]);
  expect(planRdtUpdate(undefined, "id", "/r", change)).toContain("no RDT group");
  expect(planRdtUpdate({}, "id", null, change)).toContain("no RDT group");
  expect(planRdtUpdate({ closID: "gold" }, "id", "/r", change)).toContain("/r/gold");
});
