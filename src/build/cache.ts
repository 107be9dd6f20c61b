/** Takes away what the builder keeps for later builds. */

import { existsSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { buildDirectory } from "../engine/usage.ts";
import { describeFailure } from "../executor/failure.ts";
import { runtimePath } from "../executor/locate.ts";
import { executePlan } from "../executor/spawn.ts";
import { DiskUsage } from "../host/disk-usage.ts";
import type { Plan } from "../plan/op.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import { removeStaleWorkspaces } from "./workspace.ts";

/** EWOULDBLOCK: a build is at work. */
const EAGAIN = 11;

export type RemovedCache = {
  readonly bytes: number;
  /** Why it is still there, in one line; null: it is gone, or another build needs it now. */
  readonly problem: string | null;
};

export async function removeBuildCache(roots: Roots): Promise<RemovedCache> {
  const directory = buildDirectory(roots);
  const storage = `${directory}/storage`;
  removeStaleWorkspaces(directory, runtimePath());
  if (!existsSync(storage)) return { bytes: 0, problem: null };
  const bytes = new DiskUsage().below(storage);
  const plan: Plan = {
    version: 1,
    steps: [
      byParent(lock(onHost(directory)), "no build is at work"),
      byParent({ op: "remove", at: onHost(storage) }, "what earlier builds have left"),
    ],
  };
  const { failure } = await executePlan(plan, "ignore").outcome;
  if (failure === null) return { bytes, problem: null };
  const isBusy = failure.step === 0 && failure.errno === EAGAIN;
  return { bytes: 0, problem: isBusy ? null : describeFailure(plan, failure) };
}
