/**
 * How large a layer is: the bytes of the files that it brings, as docker counts them.
 * Noted beside the layer when it is unpacked, since counting means visiting each file.
 */
import { lstat, readdir, readFile, rm } from "node:fs/promises";
import { replaceFile } from "./blob.ts";
import { codeOf } from "./error.ts";
import { layerPath, type Store } from "./store.ts";

export const layerSizePath = (store: Store, chainId: string): string =>
  `${layerPath(store, chainId)}.size`;

export async function writeLayerSize(store: Store, chainId: string, bytes: number): Promise<void> {
  await replaceFile(`${store.root}/layers`, layerSizePath(store, chainId), `${bytes}\n`);
}

export async function removeLayerSize(store: Store, chainId: string): Promise<void> {
  await rm(layerSizePath(store, chainId), { force: true });
}

/** The bytes of a tree's regular files; one with several names counts once. No link is followed. */
export async function treeBytes(directory: string): Promise<number> {
  const seen = new Set<string>();
  let bytes = 0;
  const visit = async (path: Buffer): Promise<void> => {
    // Bun gives no types of entries together with names as bytes.
    for (const name of await readdir(path, { encoding: "buffer" })) {
      const below = Buffer.concat([path, Buffer.from("/"), name]);
      const st = await lstat(below);
      if (st.isDirectory()) await visit(below);
      if (!st.isFile()) continue;
      const key = `${st.dev}:${st.ino}`;
      if (st.nlink > 1 && seen.has(key)) continue;
      seen.add(key);
      bytes += st.size;
    }
  };
  await visit(Buffer.from(directory));
  return bytes;
}

/** The size of an unpacked layer in bytes; undefined if it is not there. */
export async function layerSize(store: Store, chainId: string): Promise<number | undefined> {
  try {
    const text = await readFile(layerSizePath(store, chainId), "latin1");
    if (/^\d{1,15}\n$/.test(text)) return Number(text);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  try {
    return await treeBytes(layerPath(store, chainId));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
