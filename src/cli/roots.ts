/** Where state and data are, by the global flags. */

import { absolutePath, defaultRoots, ownRunRoot, type Roots } from "../container/roots.ts";
import { checkOwnDirectory } from "../host/own-directory.ts";
import type { Globals } from "./command.ts";

/**
 * Root's own directories lie where root alone can write. Any other is looked at: what is in it is believed,
 * down to plans.
 *
 * @throws Error in one line when a directory is somebody else's
 */
export function readRoots({ root, runRoot }: Globals, cwd: string): Roots {
  const who = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const usual = defaultRoots(who.uid, process.env);
  const dataRoot = root === null ? usual.dataRoot : absolutePath(root, cwd);
  if (dataRoot !== "/var/lib/pivot") {
    const other = root === null ? "set XDG_DATA_HOME, or give a --root" : "give another --root";
    checkOwnDirectory(dataRoot, who, other);
  }
  if (runRoot === null) return { runRoot: ownRunRoot(who.uid, process.env), dataRoot };
  const given = absolutePath(runRoot, cwd);
  checkOwnDirectory(given, who, "give another --runroot");
  return { runRoot: given, dataRoot };
}
