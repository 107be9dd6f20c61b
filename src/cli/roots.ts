/** Where state and data are, by the global flags. */

import { absolutePath, defaultRoots, ownRunRoot, type Roots } from "../container/roots.ts";
import type { Globals } from "./command.ts";

export function readRoots({ root, runRoot }: Globals, cwd: string): Roots {
  const uid = process.geteuid?.() ?? 0;
  return {
    runRoot: runRoot === null ? ownRunRoot(uid, process.env) : absolutePath(runRoot, cwd),
    dataRoot: root === null ? defaultRoots(uid, process.env).dataRoot : absolutePath(root, cwd),
  };
}
