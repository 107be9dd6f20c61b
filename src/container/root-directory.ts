/** Looks at a directory that is to be a root, so that a wrong one is named before anything is made. */

import { statSync } from "node:fs";
import { WishError } from "./wish-error.ts";

/**
 * @param wanted where the directory is asked for: `--rootfs`, or a field of a configuration
 * @throws WishError when it is not there, or is no directory
 */
export function checkRootDirectory(path: string, wanted: string): void {
  let found: ReturnType<typeof statSync>;
  try {
    found = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw new WishError([`${wanted}: ${(error as Error).message}`]);
  }
  if (found === undefined) throw new WishError([`${wanted}: there is no directory ${path}`]);
  if (!found.isDirectory()) throw new WishError([`${wanted}: ${path} is no directory`]);
}
