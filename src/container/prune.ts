/**
 * Finds and removes what containers have left behind whose executor was killed, and those that
 * have ended and were kept. Removing is a plan like any other: its lock is what says that nobody
 * uses the container any more.
 */

import { existsSync } from "node:fs";
import { executePlan, type Outcome } from "../executor/spawn.ts";
import { removeStaleLeases } from "../network/lease.ts";
import { disconnectSteps, leftSteps } from "../network/remains.ts";
import type { Step } from "../plan/op.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import { abandonedVolumes } from "../volume/abandoned.ts";
import { leaveSteps } from "../volume/leave.ts";
import { danglingNames, type Kept, orphanedData, unfinishedVolume } from "./left-behind.ts";
import type { Roots } from "./roots.ts";
import { type FoundState, listStates, readState } from "./state.ts";
import { removeStaleRanges } from "./user-ranges.ts";

/** EWOULDBLOCK: the lock is held, so the container is alive. */
const EAGAIN = 11;
const ENOENT = 2;

const remove = (path: string, why: string): Step =>
  byParent({ op: "remove", at: onHost(path) }, why);

/** Takes one container away, unless it is alive; what a kept one wrote stays. */
function removalOf(
  { id, directory, state }: FoundState,
  roots: Roots,
  kept: ReadonlySet<string>,
): Step[] {
  const dataRoot = state?.dataRoot ?? roots.dataRoot;
  const name = state?.name ?? null;
  return [
    byParent(lock(onHost(directory)), "nobody uses it any more"),
    ...disconnectSteps(roots, id, directory),
    ...(state?.cgroups ?? []).map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    ...(kept.has(id) ? [] : [remove(`${dataRoot}/containers/${id}`, "state.json: dataRoot")]),
    ...(state === null || kept.has(id) ? [] : leaveSteps(state, state.options.rm === true)),
    ...(name === null ? [] : [remove(`${roots.runRoot}/names/${name}`, "state.json: name")]),
    remove(directory, "the state itself, last: until then it can be tried again"),
  ];
}

export type Pruned = {
  /** Ids of containers that were removed. */
  readonly containers: readonly string[];
  /** Other paths that were removed. */
  readonly paths: readonly string[];
  /** What could not be removed, in one line each. */
  readonly problems: readonly string[];
};

/** Or it has gone since it was listed. */
const isAliveOrGone = ({ failure }: Outcome): boolean =>
  failure?.step === 0 && (failure.errno === EAGAIN || failure.errno === ENOENT);

/** Removes everything that belongs to no living container, and to none that is kept. */
export async function prune(
  roots: Roots,
  kept: Kept,
  describe: (steps: readonly Step[], outcome: Outcome) => string | null,
): Promise<Pruned> {
  const containers: string[] = [];
  const paths: string[] = [];
  const problems: string[] = [];
  const execute = async (steps: Step[]): Promise<Outcome> =>
    executePlan({ version: 1, steps }).outcome;
  const take = async (path: string, steps: Step[]): Promise<void> => {
    const problem = describe(steps, await execute(steps));
    if (problem === null) paths.push(path);
    else problems.push(problem);
  };
  const ids = listStates(roots.runRoot);
  const rows = await kept();
  for (const id of ids) {
    const state = readState(roots.runRoot, id);
    const steps = removalOf(state, roots, rows);
    const outcome = await execute(steps);
    if (isAliveOrGone(outcome)) continue;
    const problem = describe(steps, outcome);
    if (problem !== null) problems.push(problem);
    // A kept one is there still: what its last run has left is gone.
    else if (rows.has(id)) paths.push(state.directory);
    else containers.push(id);
  }
  for (const path of [...(await orphanedData(roots, kept)), ...danglingNames(roots)]) {
    await take(path, [remove(path, "belongs to no container")]);
  }
  const fresh = unfinishedVolume(roots);
  if (existsSync(fresh)) {
    const steps = [
      byParent(lock(onHost(`${roots.dataRoot}/volumes`)), "nobody makes a volume now"),
      remove(fresh, "a volume that was never complete"),
    ];
    const outcome = await execute(steps);
    const problem = isAliveOrGone(outcome) ? null : describe(steps, outcome);
    if (problem !== null) problems.push(problem);
    else if (!isAliveOrGone(outcome)) paths.push(fresh);
  }
  for (const path of abandonedVolumes(roots)) {
    await take(path, [remove(path, "of a volume that was removed")]);
  }
  for (const { path, steps } of leftSteps(roots)) await take(path, steps);
  await removeStaleLeases(roots);
  await removeStaleRanges(roots);
  return { containers, paths, problems };
}
