/** A directory under a name that others can guess, in a place where they can write. */

import { lstatSync, mkdirSync } from "node:fs";

/**
 * Makes a directory, or takes one that is there when it is the user's alone: what somebody else has
 * prepared would be believed, and what is put there could be changed.
 *
 * @param uid who we are
 * @param instead what to do when it cannot be taken, for the error
 * @throws Error in one line when it is not a directory of that user's, or others can write there
 */
export function claimDirectory(path: string, uid: number, instead: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const found = lstatSync(path);
  const wrong = !found.isDirectory()
    ? "it is no directory"
    : found.uid !== uid
      ? `it belongs to the user ${found.uid}`
      : (found.mode & 0o022) !== 0
        ? `others may write there: its mode is ${(found.mode & 0o7777).toString(8)}`
        : null;
  if (wrong !== null) throw new Error(`${path} is not used: ${wrong}; ${instead}`);
}
