/** Finds the image that is asked for, and brings it into the store when that can be done here. */

import { executorPath } from "../executor/locate.ts";
import { ImageError, quote } from "../image/error.ts";
import type { ImportProgress } from "../image/import.ts";
import type { Platform } from "../image/manifest.ts";
import { describePlatform, platformOf, runsOn } from "../image/platform.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { type ResolvedImage, resolveImage, type Store } from "../image/store.ts";
import { absolutePath } from "./roots.ts";

/** The embedded image, which is made on first use, unless one of that name is pulled. */
const embedded = "docker.io/library/busybox:latest";

/** When an image is asked of its registry: each time, if the store lacks it, or not at all. */
export type PullPolicy = "always" | "missing" | "never";

/** Brings an image of a registry into the store: for this machine's platform unless one is given. */
export type PullImage = (
  store: Store,
  reference: RegistryReference,
  platform: Platform | undefined,
) => Promise<unknown>;

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
  /** The only one that will do; otherwise whatever is there, or this machine's. */
  readonly platform?: Platform | undefined;
};

/** What is wrong with an image that is for another platform than the one that is asked for. */
function mismatch({ platform }: ImageWish, image: ResolvedImage): ImageError | null {
  if (platform === undefined || runsOn(image.config, platform)) return null;
  const [found, wanted] = [describePlatform(image.config), describePlatform(platform)];
  const line = `${quote(image.reference)} is for ${found}, not for ${wanted}`;
  return new ImageError("unsupported", line);
}

/** @throws ImageError also when it is for another platform */
function resolveFor(wish: ImageWish, reference: string): ResolvedImage {
  const image = resolveImage(wish.store, reference);
  const wrong = mismatch(wish, image);
  if (wrong !== null) throw wrong;
  return image;
}

async function pull(wish: ImageWish, reference: RegistryReference): Promise<void> {
  const { store, pullImage, platform } = wish;
  if (pullImage !== undefined) {
    await pullImage(store, reference, platform);
    return;
  }
  const registry = await import("../registry/pull.ts");
  const chosen = platform === undefined ? {} : { platform };
  await registry.pullImage(store, reference, { executor: executorPath(), ...chosen });
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
  const { store, reference, cwd, onProgress, platform } = wish;
  const parsed = parseReference(reference);
  const options = {
    executor: executorPath(),
    ...(onProgress === undefined ? {} : { onProgress }),
    ...(platform === undefined ? {} : { platform }),
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
    return resolveFor(wish, imported.references[0] ?? reference);
  }
  if (reason.code === "not-unpacked" && (await repaired(wish, parsed.name))) {
    return resolveFor(wish, reference);
  }
  const isOurs = platform === undefined || runsOn(platformOf(process.arch), platform);
  if (parsed.name === embedded && reason.code === "not-found" && isOurs) {
    const { ensureBusybox } = await import("../image/busybox.ts");
    return ensureBusybox(store, options);
  }
  if (wish.pull === "never") throw reason;
  await pull(wish, parsed);
  return resolveFor(wish, reference);
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
    if (!isFile) {
      const image = resolveImage(wish.store, wish.reference);
      const wrong = mismatch(wish, image);
      return wrong === null ? image : bringIn(wish, wrong);
    }
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    if (error.code !== "not-found" && error.code !== "not-unpacked") throw error;
    return bringIn(wish, error);
  }
  return bringIn(wish, new ImageError("not-found", `no image ${wish.reference}`));
}
