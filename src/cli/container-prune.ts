/** `pivot container prune`. */

import { existsSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { BusyError } from "../engine/act.ts";
import { removeContainer } from "../engine/remove.ts";
import { type Container, isAlive, listContainers } from "../engine/status.ts";
import { mountedLayers } from "../host/mounted-layers.ts";
import { writeAll } from "../host/write.ts";
import { type Flag, isOn, type ParsedArguments } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { confirm } from "./confirm.ts";
import { engineRoots } from "./each-container.ts";
import { hasLabel, readFilters } from "./filter.ts";
import { humanSize } from "./human.ts";
import { forceFlag, pruneFilterFlag } from "./listing-flags.ts";
import { readMoment } from "./moment.ts";
import { report } from "./report-error.ts";
import { treeSize } from "./tree-size.ts";

export const containerPruneFlags: readonly Flag[] = [
  forceFlag,
  pruneFilterFlag(["label", "label!", "until"]),
];

export type PrunedContainers = {
  readonly ids: readonly string[];
  /** Bytes that their writable layers took. */
  readonly bytes: number;
  /** What could not be removed, in one line each. */
  readonly problems: readonly string[];
};

/** Of one that nothing is known of here, but whose layer is mounted: it runs by another --runroot. */
function withoutElsewhere(found: readonly Container[]): readonly Container[] {
  if (found.every(({ directory }) => existsSync(directory))) return found;
  const mounted = mountedLayers();
  return found.filter(({ id, directory }) => existsSync(directory) || !mounted.has(id));
}

/**
 * Removes what does not run.
 *
 * @param filters the values of `--filter`
 */
export async function pruneContainers(
  roots: Roots,
  filters: readonly string[],
): Promise<PrunedContainers> {
  const passes = readFilters<Container>(filters, {
    label: ({ record }, value) => hasLabel(record.labels, value),
    "label!": ({ record }, value) => !hasLabel(record.labels, value),
    until: ({ record }, value) => record.created < readMoment("--filter until", value),
  });
  const found = (await listContainers(roots)).filter((each) => !isAlive(each) && passes(each));
  const ids: string[] = [];
  const problems: string[] = [];
  let bytes = 0;
  for (const container of withoutElsewhere(found)) {
    const size = treeSize(`${roots.dataRoot}/containers/${container.id}/upper`);
    try {
      await removeContainer(container, roots, { force: false, volumes: false });
    } catch (error) {
      if (error instanceof BusyError) continue; // it is not unused, then
      if (!(error instanceof WishError)) throw error;
      problems.push(...error.problems);
      continue;
    }
    ids.push(container.id);
    bytes += size;
  }
  return { ids, bytes, problems };
}

export async function containerPruneCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  const warning = "WARNING! This will remove all stopped containers.";
  if (!isOn(given, "force") && !confirm(warning)) return 0;
  const { ids, bytes, problems } = await pruneContainers(
    engineRoots(globals),
    given.flags.get("filter") ?? [],
  );
  for (const problem of problems) report("error", problem, globals.logFormat);
  if (ids.length > 0) writeAll(1, `Deleted Containers:\n${ids.join("\n")}\n\n`);
  writeAll(1, `Total reclaimed space: ${humanSize(bytes)}\n`);
  return problems.length > 0 ? 1 : 0;
}
