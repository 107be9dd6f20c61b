// Each system call of launcher, executor, init and monitor fails once, with each errno that it may have:
// the command says so in a line or does all that it was to do, and nothing is left.

import { afterAll, describe, expect, test } from "bun:test";
import { Ground } from "../pivot.ts";
import { rounds } from "./rounds.ts";
import { containerScenarios, ociScenarios, type Scenario } from "./scenario.ts";
import { networkScenarios } from "./scenario-networks.ts";
import { whyNot } from "./trace.ts";

describe.skipIf(whyNot !== undefined)(`calls that fail (${whyNot ?? "as root"})`, () => {
  const ground = new Ground("calls");
  afterAll(() => ground.close());

  const demand = (scenario: Scenario): void =>
    test(scenario.name, async () => {
      expect(ground.pivot(["run", "--rm", "busybox", "true"])).toMatchObject({ code: 0 });
      const { wrong, count } = await rounds(ground, scenario, "fail", 200);
      expect(wrong).toEqual([]);
      expect(count).toBeGreaterThan(20);
    }, 3_600_000);

  for (const each of [
    ...networkScenarios(ground),
    ...containerScenarios(ground),
    ...ociScenarios(ground),
  ])
    demand(each);
});
