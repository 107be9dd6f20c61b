/**
 * Garbage of the store: what no image needs and no process works on. Killed imports and
 * removals leave it; nothing that was complete is ever among it.
 */
import { readdir } from "node:fs/promises";
import { codeOf } from "./error.ts";
import { staleMarks, whileRemoving } from "./hold.ts";
import { isHex } from "./reference.ts";
import { removeTemporaries, staleTemporaries } from "./remove.ts";
import { doomLayers, neededObjects, type RemoveOptions, removeBlobs } from "./remove-image.ts";
import type { Store } from "./store.ts";
import { removeTrees } from "./unpack.ts";

export interface Garbage {
  /** Digests. */
  readonly blobs: readonly string[];
  /** Chain IDs. */
  readonly layers: readonly string[];
  /** Absolute paths of what was under construction on behalf of processes that are gone. */
  readonly temporaries: readonly string[];
}

const names = async (directory: string): Promise<readonly string[]> => {
  try {
    return await readdir(directory);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
};

const isKey = (name: string): boolean => name.length === 64 && isHex(name);

/** What is in the store that no image needs. Blobs are left out while an image is damaged. */
async function unneeded(store: Store): Promise<Pick<Garbage, "blobs" | "layers">> {
  // In this order: what an image that comes meanwhile needs, it holds.
  const blobs = (await names(`${store.root}/blobs/sha256`)).filter(isKey);
  // A kill between a layer's size and the layer itself leaves a size alone.
  const found = (await names(`${store.root}/layers`)).map((name) => name.replace(/\.size$/, ""));
  const layers = [...new Set(found.filter(isKey))];
  const needed = await neededObjects(store);
  return {
    blobs:
      needed.damaged.length > 0
        ? []
        : blobs.map((hex) => `sha256:${hex}`).filter((digest) => !needed.keys.has(digest)),
    layers: layers.filter((id) => !needed.keys.has(id)),
  };
}

/** Finds garbage, without touching it. */
export async function findGarbage(store: Store, options: RemoveOptions): Promise<Garbage> {
  return whileRemoving(store, async (held) => {
    const { blobs, layers } = await unneeded(store);
    const inUse = await options.layersInUse();
    return {
      blobs: blobs.filter((digest) => !held.has(digest)),
      layers: layers.filter((id) => !held.has(id) && !inUse.has(id)),
      temporaries: [...(await staleTemporaries(store)), ...(await staleMarks(store))],
    };
  });
}

/** Removes garbage. @returns what it was, and the bytes of its blobs and layers */
export async function collectGarbage(
  store: Store,
  options: RemoveOptions,
): Promise<Garbage & { readonly bytes: number }> {
  const temporaries = [...(await staleTemporaries(store)), ...(await staleMarks(store))];
  await removeTemporaries(temporaries, options);
  const { blobs, doomed, blobBytes } = await whileRemoving(store, async (held) => {
    const found = await unneeded(store);
    const free = found.blobs.filter((digest) => !held.has(digest));
    const layers = found.layers.filter((id) => !held.has(id));
    return {
      blobs: free,
      doomed: await doomLayers(store, layers, options),
      blobBytes: await removeBlobs(store, free),
    };
  });
  await removeTrees(
    options,
    doomed.map(({ path }) => path),
  );
  const bytes = doomed.reduce((sum, layer) => sum + layer.bytes, blobBytes);
  return { blobs, layers: doomed.map(({ chainId }) => chainId), temporaries, bytes };
}
