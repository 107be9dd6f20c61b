// SIGKILL after each change that a command makes: of the process that made it, or of all that the
// command has started. Nothing is left that prune does not find, and nothing that was whole is lost.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { FakeRegistry } from "../../src/registry/testing/fake-registry.ts";
import { Ground } from "../pivot.ts";
import { rounds } from "./rounds.ts";
import { containerScenarios, ociScenarios, type Scenario } from "./scenario.ts";
import { fileScenarios, imageScenarios } from "./scenario-files.ts";
import { networkScenarios } from "./scenario-networks.ts";
import { whyNot } from "./trace.ts";

describe.skipIf(whyNot !== undefined)(`kills (${whyNot ?? "as root"})`, async () => {
  const ground = new Ground("kills");
  const registry = await FakeRegistry.start();
  beforeAll(() => {
    expect(ground.pivot(["run", "--rm", "busybox", "true"])).toMatchObject({ code: 0 });
  });
  afterAll(async () => {
    await registry.stop();
    await ground.close();
  });

  const demand = (scenario: Scenario): void =>
    test(scenario.name, async () => {
      const { wrong, count } = await rounds(ground, scenario, "kill", 60);
      expect(wrong).toEqual([]);
      expect(count).toBeGreaterThan(5);
    }, 3_600_000);

  const containers = [...networkScenarios(ground), ...containerScenarios(ground)].map((each) => ({
    ...each,
    call: { ...each.call, program: true },
  }));
  const all = [
    ...containers,
    ...ociScenarios(ground),
    ...imageScenarios(ground, registry),
    ...fileScenarios(ground),
  ];
  for (const each of all) demand(each);
});
