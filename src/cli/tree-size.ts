/** How much there is below a directory of the engine's own. */

import { lstatSync, readdirSync } from "node:fs";

/** Bytes of its regular files; what is gone meanwhile counts for nothing. */
export function treeSize(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + treeSize(`${path}/${name}`), 0);
}
