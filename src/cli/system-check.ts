/** `pivot system check`. */

import { rm } from "node:fs/promises";
import { isatty } from "node:tty";
import type { Roots } from "../container/roots.ts";
import { writeAll } from "../host/write.ts";
import { checkStore, type Finding } from "../image/check-store.ts";
import type { Store } from "../image/store.ts";
import { idleParts } from "../registry/partial.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { humanSize } from "./human.ts";
import { nameLeftBehind, removeLeftBehind } from "./left-behind.ts";
import { quietFlag } from "./listing-flags.ts";
import { storeContext } from "./store.ts";

export const systemCheckFlags: readonly Flag[] = [
  { name: "repair", help: "mend what can be mended, and remove what cannot be used" },
  { ...quietFlag, help: "print problems alone" },
];

const clearLine = "\r\u001b[K";

const count = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? "" : "s"}`;

/** Interrupted downloads do no harm; they take space. */
async function checkDownloads(store: Store, repair: boolean): Promise<Finding | undefined> {
  const parts = await idleParts(store);
  if (parts.length === 0) return undefined;
  const bytes = parts.reduce((sum, { size }) => sum + size, 0);
  const problem = `${count(parts.length, "interrupted download")} of ${humanSize(bytes)}`;
  const remedy = "remove what a new pull would have gone on with";
  if (!repair) return { problem, remedy: `with --repair: ${remedy}`, isMended: false };
  for (const { path } of parts) await rm(path, { force: true });
  return { problem, remedy, isMended: true };
}

/** What killed containers have left: `system prune` takes it away, and so does --repair. */
async function checkLeftBehind(
  roots: Roots,
  repair: boolean,
  onFinding: (finding: Finding) => void,
): Promise<void> {
  const found = await nameLeftBehind(roots);
  if (found.length === 0) return;
  const remedy = "remove it, as `pivot system prune` does";
  if (!repair) {
    for (const problem of found)
      onFinding({ problem, remedy: `with --repair: ${remedy}`, isMended: false });
    return;
  }
  const { problems } = await removeLeftBehind(roots);
  const still = new Set(await nameLeftBehind(roots));
  for (const problem of found) onFinding({ problem, remedy, isMended: !still.has(problem) });
  for (const problem of problems) onFinding({ problem, remedy, isMended: false });
}

export async function systemCheckCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`system check takes no arguments, received ${given.words.join(" ")}`);
  }
  const { store, roots, removing } = storeContext(globals);
  const repair = isOn(given, "repair");
  const shows = isatty(2) && globals.logFormat === "text";
  let [found, mended] = [0, 0];
  const onFinding = ({ problem, remedy, isMended }: Finding): void => {
    found += 1;
    if (isMended) mended += 1;
    if (shows) writeAll(2, clearLine);
    writeAll(1, `${isMended ? "mended" : "problem"}: ${problem} (${remedy})\n`);
  };
  const { blobs, layers, images } = await checkStore(store, {
    ...removing(),
    repair,
    onFinding,
    ...(shows
      ? { onLook: (what: string) => void writeAll(2, `${clearLine}checking ${what.slice(0, 66)}`) }
      : {}),
  });
  await checkLeftBehind(roots, repair, onFinding);
  const downloads = await checkDownloads(store, repair);
  if (downloads !== undefined) onFinding(downloads);
  if (shows) writeAll(2, clearLine);
  if (!isOn(given, "quiet")) {
    const checked = `${count(images, "image")}, ${count(layers, "layer")} and ${count(blobs, "blob")}`;
    const outcome =
      found === 0 ? "all is as it should be" : `${count(found, "problem")}, ${mended} mended`;
    writeAll(1, `checked ${checked}: ${outcome}\n`);
  }
  return found === mended ? 0 : 1;
}
