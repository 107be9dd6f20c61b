/** `--filter` of `images` and `image prune`. */

import { familiarName, splitName } from "../image/familiar.ts";
import { configOf, createdTime, findImageByText } from "../image/images.ts";
import type { Store } from "../image/store.ts";
import { type FilterTests, hasLabel, readFilterPairs, readFilters, readTruth } from "./filter.ts";
import type { ImageRow } from "./image-rows.ts";
import { readMoment } from "./moment.ts";

export const listKeys = ["dangling", "label", "before", "since", "until", "reference"] as const;
export const pruneKeys = ["until", "label", "label!"] as const;

/** Go's path.Match: `*` and `?` stop at slashes. */
export function globPattern(glob: string): RegExp {
  const source = glob.replace(/\\.|\[\^?[^\]]*\]|[*?]|[.+^${}()|[\]\\/]/g, (part) => {
    if (part === "*") return "[^/]*";
    if (part === "?") return "[^/]";
    if (part.length > 1) return part; // a class, or what is escaped already
    return `\\${part}`;
  });
  return new RegExp(`^${source}$`, "u");
}

/** Whether a name matches: with its tag, without, or the repository's last part as docker has it. */
function matchesReference(row: ImageRow, glob: string): boolean {
  if (row.reference === undefined) return false;
  const pattern = globPattern(glob);
  const { repository } = splitName(row.reference);
  return [familiarName(row.reference), repository, row.reference].some((name) =>
    pattern.test(name),
  );
}

/** When an image that a filter names was made. */
async function createdOf(store: Store, text: string): Promise<number> {
  const { image } = await findImageByText(store, text);
  return createdTime((await configOf(store, image.id)).config) ?? 0;
}

/**
 * @throws UsageError for a wrong filter, ImageError for `before` an image that is not there
 */
export async function readImageFilters(
  store: Store,
  given: readonly string[],
  keys: readonly string[] = listKeys,
): Promise<(row: ImageRow) => boolean> {
  const times = new Map<string, number>();
  for (const [key, value] of readFilterPairs(given, keys)) {
    if (key === "before" || key === "since") times.set(value, await createdOf(store, value));
    if (key === "until") times.set(value, readMoment("--filter until", value));
  }
  const created = (row: ImageRow): number => row.created ?? 0;
  const timeOf = (value: string): number => times.get(value) ?? 0;
  const tests: FilterTests<ImageRow> = {
    dangling: (row, value) => (row.reference === undefined) === readTruth("dangling", value),
    label: (row, value) => hasLabel(row.labels, value),
    "label!": (row, value) => !hasLabel(row.labels, value),
    before: (row, value) => created(row) < timeOf(value),
    since: (row, value) => created(row) > timeOf(value),
    until: (row, value) => created(row) < timeOf(value),
    reference: matchesReference,
  };
  return readFilters(given, tests);
}
