/** `pivot image prune`. */

import { isUsing } from "../engine/layers-in-use.ts";
import { writeAll } from "../host/write.ts";
import { familiarName } from "../image/familiar.ts";
import type { StoredImage } from "../image/images.ts";
import { type PrunedImages, pruneImages } from "../image/prune.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { confirm } from "./confirm.ts";
import { humanSize } from "./human.ts";
import { pruneKeys, readImageFilters } from "./image-filters.ts";
import { imageRows } from "./image-rows.ts";
import { forceFlag, pruneFilterFlag } from "./listing-flags.ts";
import { type StoreContext, storeContext } from "./store.ts";

export const imagePruneFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "also those with a name, when no container is made of them" },
  forceFlag,
  pruneFilterFlag(pruneKeys),
];

/** What `image prune` would take: images that pass the filters and that no container has. */
async function unusedImages(
  { store, uses }: StoreContext,
  all: boolean,
  filters: readonly string[],
): Promise<readonly StoredImage[]> {
  const passes = await readImageFilters(store, filters, pruneKeys);
  const used = await uses();
  const isUsed = ({ id, entries }: StoredImage): boolean =>
    used.some((use) => entries.some(({ chainIds }) => isUsing(use, { id, chainIds })));
  const rows = (await imageRows(store)).filter(
    (row) => (all || row.reference === undefined) && passes(row) && !isUsed(row.image),
  );
  return [...new Map(rows.map(({ image }) => [image.id, image])).values()];
}

/**
 * Removes images that nothing uses, and garbage.
 *
 * @param filters the values of `--filter`
 */
export async function pruneUnusedImages(
  context: StoreContext,
  all: boolean,
  filters: readonly string[],
): Promise<PrunedImages> {
  const images = await unusedImages(context, all, filters);
  return pruneImages(context.store, images, context.removing());
}

/** The lines that docker prints of each image. */
export const prunedLines = ({ removed }: PrunedImages): readonly string[] =>
  removed.flatMap(({ image, result }) => [
    ...result.untagged.map((name) => `untagged: ${familiarName(name)}`),
    ...(result.isDeleted ? [`deleted: ${image.id}`] : []),
    ...result.layers.map((chainId) => `deleted: sha256:${chainId}`),
  ]);

export async function imagePruneCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`image prune takes no arguments, received ${given.words.join(" ")}`);
  }
  const all = isOn(given, "all");
  const context = storeContext(globals);
  const filters = given.flags.get("filter") ?? [];
  await readImageFilters(context.store, filters, pruneKeys); // a wrong one is told before we ask
  const warning = all
    ? "WARNING! This will remove all images without at least one container associated to them."
    : "WARNING! This will remove all dangling images.";
  if (!isOn(given, "force") && !confirm(warning)) return 0;
  const pruned = await pruneUnusedImages(context, all, filters);
  const lines = prunedLines(pruned);
  const deleted = lines.length > 0 ? `Deleted Images:\n${lines.join("\n")}\n\n` : "";
  writeAll(1, `${deleted}Total reclaimed space: ${humanSize(pruned.bytes)}\n`);
  return 0;
}
