/** Removes images that nothing uses, and then what is garbage. */
import { collectGarbage } from "./collect.ts";
import type { StoredImage } from "./images.ts";
import { type RemovedImage, type RemoveOptions, removeImage } from "./remove-image.ts";
import type { Store } from "./store.ts";

export interface PrunedImages {
  readonly removed: readonly { readonly image: StoredImage; readonly result: RemovedImage }[];
  /** Of the images, and of the garbage that killed processes left. */
  readonly bytes: number;
}

/** @param images with all their names */
export async function pruneImages(
  store: Store,
  images: readonly StoredImage[],
  options: RemoveOptions,
): Promise<PrunedImages> {
  const removed: { image: StoredImage; result: RemovedImage }[] = [];
  for (const image of images) {
    removed.push({ image, result: await removeImage(store, image, image.references, options) });
  }
  const garbage = await collectGarbage(store, options);
  const bytes = removed.reduce((sum, { result }) => sum + result.bytes, garbage.bytes);
  return { removed, bytes };
}
