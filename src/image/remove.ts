/** Takes out of the store what crashed imports left, and layers that are not wanted any more. */
import { lstat, readdir, rename, rm } from "node:fs/promises";
import { codeOf } from "./error.ts";
import { layerPath, type Store } from "./store.ts";
import { isStale, startTimeOf, temporaryName } from "./temporary.ts";
import { removeTrees, type UnpackerOptions } from "./unpack.ts";

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

/** The base layer of all containers is built under a name of its own (container/base-layer.ts). */
function isStaleBase(name: string): boolean {
  const pid = /^base\.(\d{1,10})$/.exec(name)?.[1];
  return pid !== undefined && startTimeOf(Number(pid)) === undefined;
}

/**
 * Finds what is under construction on behalf of processes that are gone.
 *
 * @returns absolute paths, sorted
 */
export async function staleTemporaries(store: Store): Promise<readonly string[]> {
  const directories = ["", "/blobs/sha256", "/refs", "/images", "/layers"].map(
    (d) => store.root + d,
  );
  const found: string[] = [];
  for (const directory of directories) {
    for (const name of await namesIn(directory)) {
      if (isStale(name) || isStaleBase(name)) found.push(`${directory}/${name}`);
    }
  }
  return found.sort();
}

/**
 * Removes stale temporaries. No symbolic link is followed.
 *
 * @param paths of staleTemporaries
 */
export async function removeTemporaries(
  paths: readonly string[],
  options: UnpackerOptions,
): Promise<void> {
  const trees: string[] = [];
  for (const path of paths) {
    try {
      if ((await lstat(path)).isDirectory()) trees.push(path);
      else await rm(path, { force: true });
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
  await removeTrees(options, trees);
}

/**
 * Removes an unpacked layer, which no container may be using. It disappears at
 * once and is then taken apart. False if it was not there.
 *
 * @param chainId hex
 */
export async function removeLayer(
  store: Store,
  chainId: string,
  options: UnpackerOptions,
): Promise<boolean> {
  const doomed = `${store.root}/layers/${temporaryName()}`;
  try {
    await rename(layerPath(store, chainId), doomed);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
  await removeTrees(options, [doomed]);
  return true;
}
