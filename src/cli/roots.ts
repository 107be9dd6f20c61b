/** Where state and data are, by the global flags. */

import { absolutePath, defaultRoots, type Roots } from "../container/roots.ts";
import type { Globals } from "./command.ts";

export function readRoots({ root, runRoot }: Globals, cwd: string): Roots {
  const standard = defaultRoots(process.geteuid?.() ?? 0, process.env);
  return {
    runRoot: runRoot === null ? standard.runRoot : absolutePath(runRoot, cwd),
    dataRoot: root === null ? standard.dataRoot : absolutePath(root, cwd),
  };
}
