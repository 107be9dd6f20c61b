/** `pivot images`. */

import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { listKeys, readImageFilters } from "./image-filters.ts";
import { imageColumns, imageRows } from "./image-rows.ts";
import { filterFlag, formatFlag, noTruncFlag, quietFlag, readListing } from "./listing-flags.ts";
import { printRows } from "./output.ts";
import { storeContext } from "./store.ts";

export const imagesFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "accepted for docker's sake: no image is hidden" },
  { name: "digests", help: "show the manifests' digests" },
  filterFlag(listKeys),
  formatFlag,
  noTruncFlag,
  quietFlag,
];

export async function imagesCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const { flags, words } = given;
  if (words.length > 1) {
    throw new UsageError(`images takes one REPOSITORY[:TAG], received ${words.join(" ")}`);
  }
  const { store } = storeContext(globals);
  const filters = [...(flags.get("filter") ?? []), ...words.map((word) => `reference=${word}`)];
  const passes = await readImageFilters(store, filters);
  const rows = (await imageRows(store)).filter(passes);
  const listing = readListing(given);
  // One line for each image: an id is no clearer for being said twice.
  const shown = listing.quiet
    ? rows.filter((row, i) => rows.findIndex(({ id }) => id === row.id) === i)
    : rows;
  printRows(shown, imageColumns(isOn(given, "digests")), listing);
  return 0;
}
