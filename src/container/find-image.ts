/** Finds the image that is asked for, and brings it into the store when that can be done here. */

import { executorPath } from "../executor/locate.ts";
import { ImageError } from "../image/error.ts";
import type { ImportProgress } from "../image/import.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { type ResolvedImage, resolveImage, type Store } from "../image/store.ts";
import { absolutePath } from "./roots.ts";

/** The embedded image, which is made on first use, unless one of that name is pulled. */
const embedded = "docker.io/library/busybox:latest";

/** When an image is asked of its registry: each time, if the store lacks it, or not at all. */
export type PullPolicy = "always" | "missing" | "never";

/** Brings an image of a registry into the store. */
export type PullImage = (store: Store, reference: RegistryReference) => Promise<unknown>;

export type ImageWish = {
  readonly store: Store;
  readonly reference: string;
  /** Relative paths of `oci:` and `docker-archive:` start here. */
  readonly cwd: string;
  readonly onProgress?: (progress: ImportProgress) => void;
  /** `missing` unless given. */
  readonly pull?: PullPolicy;
  /** How it is pulled; without a word unless given. */
  readonly pullImage?: PullImage;
};

async function pull({ store, pullImage }: ImageWish, reference: RegistryReference): Promise<void> {
  if (pullImage !== undefined) {
    await pullImage(store, reference);
    return;
  }
  const registry = await import("../registry/pull.ts");
  await registry.pullImage(store, reference, { executor: executorPath() });
}

/** Its blobs may still be there: then only the layers are missing. */
async function repaired(wish: ImageWish, name: string): Promise<boolean> {
  const { repairImage } = await import("../image/import.ts");
  const { store, onProgress } = wish;
  const progress = onProgress === undefined ? {} : { onProgress };
  try {
    await repairImage(store, name, { executor: executorPath(), ...progress });
    return true;
  } catch (error) {
    const isLost = error instanceof ImageError && error.code === "not-found";
    if (isLost && wish.pull !== "never") return false;
    throw error;
  }
}

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
  if (reason.code === "not-unpacked" && (await repaired(wish, parsed.name))) {
    return resolveImage(store, reference);
  }
  if (parsed.name === embedded && reason.code === "not-found") {
    const { ensureBusybox } = await import("../image/busybox.ts");
    return ensureBusybox(store, options);
  }
  if (wish.pull === "never") throw reason;
  await pull(wish, parsed);
  return resolveImage(store, reference);
}

async function pullFirst(wish: ImageWish): Promise<ResolvedImage> {
  const parsed = parseReference(wish.reference);
  if (parsed.transport === "registry") await pull(wish, parsed);
  return findImage({ ...wish, pull: "never" });
}

/**
 * The image, unpacked.
 *
 * @throws ImageError in one line
 */
export function findImage(wish: ImageWish): ResolvedImage | Promise<ResolvedImage> {
  const isFile = /^(oci|docker-archive):/.test(wish.reference);
  try {
    if (wish.pull === "always") return pullFirst(wish);
    // A file may have changed since: it is looked at each time, which is quick when it has not.
    if (!isFile) return resolveImage(wish.store, wish.reference);
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (error.code !== "not-found" && error.code !== "not-unpacked") throw error;
    return bringIn(wish, error);
  }
  return bringIn(wish, new ImageError("not-found", `no image ${wish.reference}`));
}
