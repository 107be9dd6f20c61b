/** What killed commands have left behind: named by `system check`, removed by `system prune`. */

import { removeStaleWorkspaces, staleWorkspaces } from "../build/workspace.ts";
import { findLeftBehind } from "../container/left-behind.ts";
import { prune } from "../container/prune.ts";
import type { Roots } from "../container/roots.ts";
import { listKept } from "../engine/kept.ts";
import { buildDirectory } from "../engine/usage.ts";
import { describeFailure } from "../executor/failure.ts";
import { runtimePath } from "../executor/locate.ts";
import { findLeftovers, removeLeftovers } from "../try/store.ts";

const keptIds =
  ({ dataRoot }: Roots) =>
  async (): Promise<ReadonlySet<string>> =>
    new Set((await listKept(dataRoot)).map(({ record }) => record.id));

/** A line for each thing; nothing is changed. */
export const nameLeftBehind = async (roots: Roots): Promise<string[]> => [
  ...(await findLeftBehind(roots, keptIds(roots))),
  ...findLeftovers(roots.dataRoot).map((path) => `${path} is a view that was never complete`),
  ...staleWorkspaces(buildDirectory(roots)).map((path) => `${path} is of a build that was killed`),
];

/** What went, and what could not go, in one line each. */
export async function removeLeftBehind(roots: Roots): Promise<{
  /** Ids of those of which nothing is there any more. */
  readonly containers: readonly string[];
  readonly paths: readonly string[];
  readonly problems: readonly string[];
}> {
  const { containers, paths, problems } = await prune(
    roots,
    keptIds(roots),
    (steps, { failure }) =>
      failure === null ? null : describeFailure({ version: 1, steps }, failure),
  );
  const views = await removeLeftovers(roots.dataRoot);
  const builds = removeStaleWorkspaces(buildDirectory(roots), runtimePath());
  return { containers, paths: [...paths, ...views, ...builds], problems };
}
