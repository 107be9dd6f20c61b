/** The file of `-o`: what was there stays until all is written. */

import {
  closeSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { dirname } from "node:path";
import { WishError } from "../container/wish-error.ts";
import { whyOf } from "../host/file-error.ts";
import { removeStaleBeside } from "../image/stale-beside.ts";
import { temporaryName } from "../image/temporary.ts";

/** @param path what was asked for, which an error is about */
function openNew(temporary: string, path: string): number {
  try {
    return openSync(temporary, "wx", 0o600);
  } catch (cause) {
    throw new WishError([`cannot write ${path}: ${whyOf(cause)}`], { cause });
  }
}

/**
 * Has a descriptor written to, under another name first. A device or a pipe is written to as it is.
 *
 * @param path absolute; a link to a file stays one
 * @throws what `write` throws; then nothing of it is left
 */
export async function writeOutput<T>(path: string, write: (fd: number) => Promise<T>): Promise<T> {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined && !found.isFile()) {
    const fd = openSync(path, "w");
    try {
      return await write(fd);
    } finally {
      closeSync(fd);
    }
  }
  const target = found === undefined ? path : realpathSync(path);
  await removeStaleBeside(dirname(target));
  const temporary = `${dirname(target)}/${temporaryName()}`;
  const fd = openNew(temporary, path);
  try {
    const result = await write(fd);
    fsyncSync(fd);
    renameSync(temporary, target);
    return result;
  } finally {
    closeSync(fd);
    rmSync(temporary, { force: true });
  }
}
