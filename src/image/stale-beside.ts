/** What killed commands have left beside files of the caller's: who writes there next takes it away. */

import { lstat, readdir, rm } from "node:fs/promises";
import { isStale } from "./temporary.ts";

/**
 * Removes files under construction whose command is gone. No prune looks into the caller's directories.
 * That it cannot is no failure of who is about to write there.
 */
export async function removeStaleBeside(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter(isStale)) {
    const path = `${directory}/${name}`;
    const found = await lstat(path).catch(() => null);
    // In a directory of everybody's, one of that name may be somebody else's.
    if (found?.isFile() !== true || found.uid !== process.geteuid?.()) continue;
    await rm(path, { force: true }).catch(() => undefined);
  }
}
