// A scenario, again and again, with another fault each time: all that is wrong, in a line each.

import type { Ground } from "../pivot.ts";
import { unclear, World } from "./aftermath.ts";
import type { Scenario } from "./scenario.ts";
import { type Fault, isEnough, type Point, pointsOf, some, withFault } from "./trace.ts";

export type Round = readonly [Point, Fault];

/** One round; what is wrong, or undefined. */
async function round(
  ground: Ground,
  { call, before, check, clear }: Scenario,
  world: World,
  [point, fault]: Round,
): Promise<string | undefined> {
  before?.();
  const came = await withFault(ground, call, point, fault);
  const isKilled = fault.how !== "fail";
  const wrong: (string | undefined)[] = [
    isKilled && came.code !== "late" ? undefined : unclear(came),
    came.code === 0 ? check?.(came) : undefined,
    clear?.(),
  ];
  // What a kill has left, and nothing else, is for prune to find.
  let left = await world.difference(1);
  if (left !== undefined) {
    // What a killed process held the kernel gives back a moment later, and that is nobody's to name.
    const checked = ground.pivot(["system", "check", "-q"]);
    if (!/^problem: /m.test(checked.stdout) && (left = await world.difference(10)) !== undefined)
      wrong.push(`check names nothing of it: ${left}`);
    for (const words of [
      ["ps", "-a"],
      ["system", "prune", "-f"],
    ]) {
      const ran = ground.pivot(words);
      if (ran.code !== 0 || ran.stderr !== "") wrong.push(`${words.join(" ")}: ${ran.stderr}`);
    }
    left = await world.difference(40);
  }
  if (left !== undefined) {
    wrong.push(`left: ${left}`);
    world.settle();
  }
  const told = wrong.filter((each) => each !== undefined);
  if (told.length === 0) return undefined;
  const what = fault.how === "fail" ? fault.error : fault.how;
  const how = came.code === 0 ? "" : ` (${came.stderr.trim()})`;
  return `${point.process} ${point.name} ${point.number} ${what}: ${told.join("; ")}${how}`;
}

/**
 * @param which what to do at the points
 * @param most rounds, spread over all
 * @returns what is wrong, and how many rounds there were
 */
export async function rounds(
  ground: Ground,
  scenario: Scenario,
  which: "fail" | "kill",
  most: number,
): Promise<{ wrong: string[]; count: number }> {
  scenario.begin?.();
  const world = new World(ground);
  const wrong: string[] = [];
  try {
    scenario.before?.();
    // The first start remembers its plan: the points are those of the others.
    if (scenario.before === undefined)
      await pointsOf(ground, scenario.call).then(() => scenario.clear?.());
    const points = await pointsOf(ground, scenario.call, which === "fail" ? "all" : "changes");
    scenario.clear?.();
    await world.difference(40);
    world.settle();
    const all: Round[] = points.flatMap((point) =>
      which === "fail"
        ? point.errors.map((error): Round => [point, { how: "fail", error }])
        : [
            [point, { how: "kill" }],
            [point, { how: "kill-all" }],
          ],
    );
    const chosen = some(all, most);
    for (const each of chosen) {
      const told = await round(ground, scenario, world, each);
      if (told !== undefined) wrong.push(told);
      if (isEnough(wrong)) break;
      if (told !== undefined && process.env["PIVOT_FAULTS_SHOW"] === "1") console.log(told);
    }
    return { wrong, count: chosen.length };
  } finally {
    scenario.end?.();
  }
}
