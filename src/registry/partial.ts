/**
 * Where unfinished downloads lie, and whose they are.
 *
 * ```
 * ROOT/downloads/HEX                    a part of the blob, which whoever wants it may go on with
 * ROOT/downloads/HEX.PID-START-RANDOM   the same in the hands of a process: nobody else writes it
 * ```
 * A part is taken over by giving it another name, which only one process can do. One that belongs
 * to a process that is gone may be taken over like one that belongs to nobody. So neither needs a
 * lock, and a crash leaves nothing but parts.
 */
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { codeOf } from "../image/error.ts";
import { type Store } from "../image/store.ts";
import { isStale, temporaryName, temporaryPrefix } from "../image/temporary.ts";

export function downloadsDirectory(store: Store): string {
  return `${store.root}/downloads`;
}

/** A part's name on behalf of this process. */
function ownName(hex: string): string {
  return `${hex}.${temporaryName().slice(temporaryPrefix.length)}`;
}

const isOwnerGone = (name: string, hex: string): boolean =>
  isStale(`${temporaryPrefix}${name.slice(hex.length + 1)}`);

async function partsOf(directory: string, hex: string): Promise<readonly string[]> {
  const names = await readdir(directory);
  return names.filter((name) => name === hex || name.startsWith(`${hex}.`));
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false; // another process was first
    throw error;
  }
}

/** How much of a blob there is, in whoever's hands: it grows while somebody works. */
export async function partSizes(store: Store, digest: string): Promise<number> {
  const directory = downloadsDirectory(store);
  const parts = await partsOf(directory, digest.slice("sha256:".length));
  const sizes = await Promise.all(
    parts.map(
      async (name) => (await stat(`${directory}/${name}`).catch(() => undefined))?.size ?? 0,
    ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Takes the part of a blob into our hands.
 *
 * @param others mind those who have it in theirs; false: they do not get on with it
 * @returns the path of a file, empty when nobody has begun; undefined while another process has it
 */
export async function claimPart(
  store: Store,
  digest: string,
  others = true,
): Promise<string | undefined> {
  const directory = downloadsDirectory(store);
  const hex = digest.slice("sha256:".length);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const own = ownName(hex);
  const path = `${directory}/${own}`;
  const parts = await partsOf(directory, hex);
  for (const name of parts) {
    const isFree = name === hex || isOwnerGone(name, hex);
    if (isFree && (await moved(`${directory}/${name}`, path))) return path;
  }
  const isOthers = (name: string) => others && name !== hex && !isOwnerGone(name, hex);
  if (parts.some(isOthers)) return undefined;
  await (await open(path, "wx", 0o600)).close();
  // Two may have come at once: the first by name goes on.
  if (!(await partsOf(directory, hex)).some((name) => isOthers(name) && name < own)) return path;
  await rm(path, { force: true });
  return undefined;
}

/** Leaves a part for whoever wants the blob next. */
export async function leavePart(store: Store, digest: string, path: string): Promise<void> {
  const free = `${downloadsDirectory(store)}/${digest.slice("sha256:".length)}`;
  try {
    if ((await stat(path)).size === 0) await rm(path, { force: true });
    else await moved(path, free);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
}

/** A part that nobody works on. `size` in bytes. */
export interface IdlePart {
  readonly path: string;
  readonly size: number;
}

/** Parts of downloads that nobody works on: they can be resumed, and removed without harm. */
export async function idleParts(store: Store): Promise<readonly IdlePart[]> {
  const directory = downloadsDirectory(store);
  const found: IdlePart[] = [];
  let names: readonly string[] = [];
  try {
    names = await readdir(directory);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  for (const name of [...names].sort()) {
    const hex = name.replace(/\..*$/, "");
    if (name !== hex && !isOwnerGone(name, hex)) continue;
    const path = `${directory}/${name}`;
    try {
      found.push({ path, size: (await stat(path)).size });
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
  return found;
}
