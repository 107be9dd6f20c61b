/**
 * Who relies on which blobs and layers, and who is about to remove some.
 *
 * ```
 *  one who uses (pull, load, save, tag)      one who removes (rmi, prune)
 *  ------------------------------------      ----------------------------
 *  holds/use/NAME      lists the objects     holds/removal/NAME   empty
 *  waits while holds/removal has a living    reads holds/use: leaves those alone,
 *    name                                      takes the others out of their places
 *  looks what is there, adds what is not     removes holds/removal/NAME
 *  removes holds/use/NAME                    takes apart what it took out
 * ```
 * Each writes its own mark before it looks for the other's, so at least one of the
 * two sees the other: one who removes yields, and one who uses waits, for no longer
 * than a few renames take. Users never wait for users, nor removers for anybody.
 * A mark's name says which process made it: those of killed ones do not count.
 */
import { mkdir, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { codeOf, ImageError } from "./error.ts";
import type { Store } from "./store.ts";
import { isStale, ownerOf, temporaryName } from "./temporary.ts";

/** A blob by its digest ("sha256:…"), or an unpacked layer by its chain ID (hex). */
export type ObjectKey = string;

/** What living processes hold; one that could not write its list down holds everything. */
export interface Held {
  has(key: ObjectKey): boolean;
}

const pauseMilliseconds = 2;
const patienceMilliseconds = 30_000;

const useDirectory = (store: Store): string => `${store.root}/holds/use`;
const removalDirectory = (store: Store): string => `${store.root}/holds/removal`;

async function makeMark(store: Store, directory: string, name: string, text: string) {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  // Complete when it appears: who reads half a list would take away the other half.
  const temporary = `${store.root}/holds/${name}`;
  const file = await open(temporary, "wx", 0o600);
  try {
    await file.writeFile(text);
  } catch (error) {
    // On a full disk an empty mark, which stands for everything, still has room.
    if (codeOf(error) !== "ENOSPC" && codeOf(error) !== "EDQUOT") throw error;
    await file.truncate(0);
  } finally {
    await file.close();
  }
  await rename(temporary, `${directory}/${name}`);
}

async function livingNames(directory: string): Promise<readonly string[]> {
  try {
    return (await readdir(directory)).filter((name) => !isStale(name));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}

async function waitForRemovals(store: Store): Promise<void> {
  const deadline = Date.now() + patienceMilliseconds;
  for (;;) {
    const [first] = await livingNames(removalDirectory(store));
    if (first === undefined) return;
    if (Date.now() > deadline) {
      throw new ImageError(
        "busy",
        `process ${ownerOf(first) ?? first} has been removing images from ${store.root} for ${patienceMilliseconds / 1000} s: end it, or wait and try again`,
      );
    }
    await wait(pauseMilliseconds);
  }
}

/**
 * Runs `use` while nobody takes the objects away, be they there yet or not.
 * What it reads of the store before it is called may be gone when it runs.
 */
export async function whileHeld<T>(
  store: Store,
  keys: readonly ObjectKey[],
  use: () => Promise<T>,
): Promise<T> {
  const name = temporaryName();
  try {
    try {
      await makeMark(store, useDirectory(store), name, keys.join("\n"));
    } catch (error) {
      if (codeOf(error) !== "EROFS") throw error;
      return await use(); // nobody else can change it either
    }
    await waitForRemovals(store);
    return await use();
  } finally {
    await rm(`${useDirectory(store)}/${name}`, { force: true });
    await rm(`${store.root}/holds/${name}`, { force: true });
  }
}

async function readHeld(store: Store): Promise<Held> {
  const keys = new Set<ObjectKey>();
  for (const name of await livingNames(useDirectory(store))) {
    try {
      const text = await readFile(`${useDirectory(store)}/${name}`, "latin1");
      if (text === "") return { has: () => true };
      for (const key of text.split("\n")) keys.add(key);
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error; // it is done
    }
  }
  return keys;
}

/** Runs `remove`, which takes out of their places at once what it may; it should be quick. */
export async function whileRemoving<T>(
  store: Store,
  remove: (held: Held) => Promise<T>,
): Promise<T> {
  const name = temporaryName();
  try {
    await makeMark(store, removalDirectory(store), name, "");
    return await remove(await readHeld(store));
  } finally {
    await rm(`${removalDirectory(store)}/${name}`, { force: true });
    await rm(`${store.root}/holds/${name}`, { force: true });
  }
}

/** Marks of processes that are gone: absolute paths. */
export async function staleMarks(store: Store): Promise<readonly string[]> {
  const found: string[] = [];
  for (const directory of [`${store.root}/holds`, useDirectory(store), removalDirectory(store)]) {
    const names = await readdir(directory).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return [];
      throw error;
    });
    found.push(...names.filter(isStale).map((name) => `${directory}/${name}`));
  }
  return found;
}
