// The ground of the other tests: it notices what is left behind.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, rmdirSync } from "node:fs";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("leftovers");
const layout = readCgroupLayout();
const hierarchy = layout.v1[0]?.mount ?? layout.v2?.mount;

const left = async (): Promise<string> => {
  try {
    await ground.expectNothingLeft(2);
    return "";
  } catch (error) {
    return (error as Error).message;
  }
};

describe.skipIf(whyNot !== undefined)(`what is left behind (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("nothing, of a container that has ended", async () => {
    ground.shell([], "true");
    await ground.expectNothingLeft();
  });

  test("a container that runs: its processes, its state, its name, its layer", async () => {
    const { pid, stop } = await ground.start([]);
    const said = await left();
    expect(said).toContain(`${pid} sleep`);
    expect(said).toContain("background-0");
    expect(said).toMatch(/containers[\s\S]*[0-9a-f]{64}[\s\S]*layers[\s\S]*[0-9a-f]{64}/);
    await stop();
    await ground.expectNothingLeft();
  });

  test("a container that was kept", async () => {
    expect(ground.pivot(["run", "busybox", "true"]).code).toBe(0);
    expect(await left()).toMatch(/[0-9a-f]{64}/);
    expect(ground.pivot(["container", "prune", "-f"]).code).toBe(0);
    await ground.expectNothingLeft();
  });

  test.skipIf(hierarchy === undefined)("a cgroup that nobody uses", async () => {
    const cgroup = `${hierarchy}/pivot-${"0".repeat(58)}${process.pid}`;
    mkdirSync(cgroup);
    try {
      expect(await left()).toContain(cgroup);
    } finally {
      rmdirSync(cgroup);
    }
    await ground.expectNothingLeft();
  });
});
