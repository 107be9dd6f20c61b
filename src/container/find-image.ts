/** Finds the image that is asked for, and brings it into the store when that can be done here. */

import { executorPath } from "../executor/locate.ts";
import { ImageError } from "../image/error.ts";
import type { ImportProgress } from "../image/import.ts";
import { parseReference } from "../image/reference.ts";
import { type ResolvedImage, resolveImage, type Store } from "../image/store.ts";
import { absolutePath } from "./roots.ts";

/** The embedded image, which is made on first use. */
const embedded = "docker.io/library/busybox:latest";

export type ImageWish = {
  readonly store: Store;
  readonly reference: string;
  /** Relative paths of `oci:` and `docker-archive:` start here. */
  readonly cwd: string;
  readonly onProgress?: (progress: ImportProgress) => void;
};

async function bringIn(wish: ImageWish, reason: ImageError): Promise<ResolvedImage> {
  const { store, reference, cwd, onProgress } = wish;
  const parsed = parseReference(reference);
  const options = {
    executor: executorPath(),
    ...(onProgress === undefined ? {} : { onProgress }),
  };
  if (parsed.transport !== "registry") {
    const { importDockerArchive, importOciLayout } = await import("../image/import.ts");
    const file = absolutePath(parsed.file, cwd);
    const bring = parsed.transport === "oci" ? importOciLayout : importDockerArchive;
    const { select } = parsed;
    const imported = await bring(store, file, {
      ...options,
      ...(select === undefined ? {} : { select }),
    });
    return resolveImage(store, imported.references[0] ?? reference);
  }
  if (parsed.name === embedded) {
    const { ensureBusybox } = await import("../image/busybox.ts");
    return ensureBusybox(store, options);
  }
  if (reason.code !== "not-unpacked") throw reason;
  // Its blobs may still be there: then only the layers are missing.
  const { repairImage } = await import("../image/import.ts");
  await repairImage(store, parsed.name, options);
  return resolveImage(store, reference);
}

/**
 * The image, unpacked.
 *
 * @throws ImageError in one line
 */
export function findImage(wish: ImageWish): ResolvedImage | Promise<ResolvedImage> {
  const isFile = /^(oci|docker-archive):/.test(wish.reference);
  try {
    // A file may have changed since: it is looked at each time, which is quick when it has not.
    if (!isFile) return resolveImage(wish.store, wish.reference);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (error.code !== "not-found" && error.code !== "not-unpacked") throw error;
    return bringIn(wish, error);
  }
  return bringIn(wish, new ImageError("not-found", `no image ${wish.reference}`));
}
