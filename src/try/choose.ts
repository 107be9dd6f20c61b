/** Which try is meant when nobody says so. */

import { WishError } from "../container/wish-error.ts";
import { listTries, readTry, type Try } from "./store.ts";

const isAtOrBelow = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`);

/** @throws WishError when there is none of this name */
export function tryNamed(dataRoot: string, name: string): Try {
  const found = readTry(dataRoot, name);
  if (found !== null) return found;
  throw new WishError([`there is no try ${name}: \`pivot try ls\` lists them`]);
}

/**
 * The try of a name; without one the last of this user that was started in this directory, above
 * it or below it.
 *
 * @throws WishError when there is none
 */
export function chooseTry(
  dataRoot: string,
  name: string | null,
  here: { readonly cwd: string; readonly uid: number },
): Try {
  if (name !== null) return tryNamed(dataRoot, name);
  const mine = listTries(dataRoot).filter(({ uid }) => uid === here.uid);
  const near = mine.find(({ cwd }) => isAtOrBelow(here.cwd, cwd) || isAtOrBelow(cwd, here.cwd));
  if (near !== undefined) return near;
  const other = mine.length === 0 ? "" : "; `pivot try ls` lists those of other directories";
  throw new WishError([`nothing was tried here: begin with \`pivot try\`${other}`]);
}
