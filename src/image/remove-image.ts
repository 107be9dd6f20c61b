/**
 * Removes images: their names, their records, and then of their blobs and layers what
 * nobody else needs. The order makes every moment a safe one to be killed at: a name
 * goes before its record, and a record before what it names; what is then left over,
 * collect.ts finds.
 */
import { lstat, rename, rm } from "node:fs/promises";
import { codeOf } from "./error.ts";
import { type Held, type ObjectKey, whileRemoving } from "./hold.ts";
import { closureOf, isDamage, listImages, type StoredImage } from "./images.ts";
import { layerSize, removeLayerSize } from "./layer-size.ts";
import { removeReference } from "./names.ts";
import { isDigest } from "./reference.ts";
import { blobPath, layerPath, type Store } from "./store.ts";
import { temporaryName } from "./temporary.ts";
import { removeTrees, type UnpackerOptions } from "./unpack.ts";

export interface RemoveOptions extends UnpackerOptions {
  /** Chain IDs of all layers that containers have, asked anew each time. */
  readonly layersInUse: () => Promise<ReadonlySet<string>>;
  /** Take the names away but leave the image, dangling: a running container's. */
  readonly keepsRecord?: boolean;
}

export interface RemovedImage {
  /** The references that were taken away: normal forms. */
  readonly untagged: readonly string[];
  /** False when somebody else uses or has named it meanwhile. */
  readonly isDeleted: boolean;
  /** Chain IDs of the layers that went with it, highest first. */
  readonly layers: readonly string[];
  /** Of the blobs and layers, in bytes of the store. */
  readonly bytes: number;
}

/** What must stay: the objects of all images that are there. */
export interface Needed {
  readonly keys: ReadonlySet<ObjectKey>;
  /** The images whose manifests are damaged: which blobs those need is not known. */
  readonly damaged: readonly StoredImage[];
}

export async function neededObjects(store: Store): Promise<Needed> {
  const keys = new Set<ObjectKey>();
  const damaged: StoredImage[] = [];
  for (const image of await listImages(store)) {
    const { known, isComplete } = await knownObjects(store, image);
    for (const key of known) keys.add(key);
    if (!isComplete) damaged.push(image);
  }
  return { keys, damaged };
}

/** An image's objects; without the blobs of its layers when a manifest is damaged. */
async function knownObjects(
  store: Store,
  image: StoredImage,
): Promise<{ readonly known: readonly ObjectKey[]; readonly isComplete: boolean }> {
  try {
    return { known: await closureOf(store, image), isComplete: true };
  } catch (error) {
    if (!isDamage(error)) throw error;
    const known = image.entries.flatMap(({ manifest, config, chainIds }) => [
      manifest.digest,
      config,
      ...chainIds,
    ]);
    return { known, isComplete: false };
  }
}

async function moveAway(path: string, to: string): Promise<boolean> {
  try {
    await rename(path, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** A layer that was taken out of its place, and is to be taken apart. */
export interface Doomed {
  readonly chainId: string;
  readonly path: string;
  readonly bytes: number;
}

/**
 * Takes layers out of their places, unless a container has them. A container's record is
 * written before it is mounted: so after the move either we see it, and put the layer
 * back, or its mount does not find the layer.
 */
export async function doomLayers(
  store: Store,
  chainIds: readonly string[],
  { layersInUse }: RemoveOptions,
): Promise<readonly Doomed[]> {
  const before = await layersInUse();
  const moved: Doomed[] = [];
  for (const chainId of chainIds.filter((id) => !before.has(id))) {
    const path = `${store.root}/layers/${temporaryName()}`;
    const bytes = (await layerSize(store, chainId)) ?? 0;
    if (await moveAway(layerPath(store, chainId), path)) moved.push({ chainId, path, bytes });
    else await removeLayerSize(store, chainId);
  }
  const after = await layersInUse();
  const doomed: Doomed[] = [];
  for (const layer of moved) {
    if (after.has(layer.chainId)) await moveAway(layer.path, layerPath(store, layer.chainId));
    else doomed.push(layer);
  }
  for (const { chainId } of doomed) await removeLayerSize(store, chainId);
  return doomed;
}

/** Unlinks blobs. Who has one open goes on reading it. @returns their bytes */
export async function removeBlobs(store: Store, digests: readonly string[]): Promise<number> {
  let bytes = 0;
  for (const digest of digests) {
    const path = blobPath(store, digest);
    try {
      const { size } = await lstat(path);
      await rm(path);
      bytes += size;
    } catch (error) {
      if (codeOf(error) !== "ENOENT") throw error;
    }
  }
  return bytes;
}

interface Taken {
  readonly isDeleted: boolean;
  readonly doomed: readonly Doomed[];
  readonly blobBytes: number;
}

async function takeOut(
  store: Store,
  image: StoredImage,
  closure: readonly ObjectKey[],
  held: Held,
  options: RemoveOptions,
): Promise<Taken> {
  const nothing = { isDeleted: false, doomed: [], blobBytes: 0 };
  // Somebody who is bringing it in, or naming it, has to find it afterwards.
  if (held.has(image.id)) return nothing;
  const now = (await listImages(store)).find(({ id }) => id === image.id);
  if (now !== undefined && now.references.length > 0) return nothing;
  await removeReference(store, image.id);
  const needed = await neededObjects(store);
  const free = closure.filter((key) => !needed.keys.has(key) && !held.has(key));
  const doomed = await doomLayers(
    store,
    free.filter((key) => !isDigest(key)).toReversed(),
    options,
  );
  // Any blob may be one that a damaged image needs: `system check` mends that one first.
  const blobs = needed.damaged.length > 0 ? [] : free.filter(isDigest);
  return { isDeleted: true, doomed, blobBytes: await removeBlobs(store, blobs) };
}

/**
 * Takes names of an image away and, when none is left, the image itself.
 *
 * @param references of the image: normal forms
 */
export async function removeImage(
  store: Store,
  image: StoredImage,
  references: readonly string[],
  options: RemoveOptions,
): Promise<RemovedImage> {
  const { known } = await knownObjects(store, image);
  const untagged: string[] = [];
  for (const name of references) if (await removeReference(store, name)) untagged.push(name);
  const isLast = image.references.every((name) => references.includes(name));
  if (!isLast || options.keepsRecord === true) {
    return { untagged, isDeleted: false, layers: [], bytes: 0 };
  }
  const { isDeleted, doomed, blobBytes } = await whileRemoving(store, (held) =>
    takeOut(store, image, known, held, options),
  );
  await removeTrees(
    options,
    doomed.map(({ path }) => path),
  );
  const bytes = doomed.reduce((sum, layer) => sum + layer.bytes, blobBytes);
  return { untagged, isDeleted, layers: doomed.map(({ chainId }) => chainId), bytes };
}

/** Removes a blob that was brought in for nothing, unless somebody else needs it by now. */
export async function dropBlob(store: Store, digest: string): Promise<void> {
  await whileRemoving(store, async (held) => {
    if (held.has(digest)) return;
    const { keys, damaged } = await neededObjects(store);
    if (damaged.length === 0 && !keys.has(digest)) await removeBlobs(store, [digest]);
  });
}
