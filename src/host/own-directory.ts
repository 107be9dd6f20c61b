/** A directory under a name that others can guess, in a place where they can write. */

import { lstatSync, mkdirSync, type Stats, statSync } from "node:fs";

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
  refuse(path, lstatSync(path), { uid, gid: null }, instead);
}

/** Who is asked about; of a group that is null nobody may write. */
type Who = { readonly uid: number; readonly gid: number | null };

function refuse(path: string, found: Stats, { uid, gid }: Who, instead: string): void {
  const open = found.gid === gid ? 0o002 : 0o022;
  const wrong = !found.isDirectory()
    ? "it is no directory"
    : found.uid !== uid
      ? `it belongs to the user ${found.uid}`
      : (found.mode & open) !== 0
        ? `others may write there: its mode is ${(found.mode & 0o7777).toString(8)}`
        : null;
  if (wrong !== null) throw new Error(`${path} is not used: ${wrong}; ${instead}`);
}

/**
 * Looks at a directory of which all that is in it is believed, and carried out with the caller's rights:
 * records, plans, layers. One that is not there will be made. Who may write in a directory above it
 * can put another in its place: to choose one where that is nobody is the caller's business.
 *
 * @param who we are; the own group may write there, as where umask is 002
 * @param instead what to do when it cannot be taken, for the error
 * @throws Error in one line when it is somebody else's, or others can write there
 */
export function checkOwnDirectory(path: string, who: Who, instead: string): void {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) refuse(path, found, who, instead);
}
