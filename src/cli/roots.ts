/** Where state and data are, by the global flags. */

import { defaultRoots, type Roots } from "../container/roots.ts";
import type { Globals } from "./commands.ts";

/** A path as typed, from the working directory on. */
export const absolute = (path: string, cwd: string): string =>
  path.startsWith("/") ? path : `${cwd === "/" ? "" : cwd}/${path}`;

export function readRoots({ root, runRoot }: Globals, cwd: string): Roots {
  const standard = defaultRoots(process.geteuid?.() ?? 0, process.env);
  return {
    runRoot: runRoot === null ? standard.runRoot : absolute(runRoot, cwd),
    dataRoot: root === null ? standard.dataRoot : absolute(root, cwd),
  };
}
