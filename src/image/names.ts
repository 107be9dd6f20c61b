/** The write side of references: giving names to images, taking them away, and listing them. */
import { mkdir, readdir, rm } from "node:fs/promises";
import { replaceFile } from "./blob.ts";
import { codeOf, ImageError } from "./error.ts";
import type { Descriptor } from "./manifest.ts";
import {
  chainIdsAnnotation,
  configAnnotation,
  readReference,
  referencePath,
  type Store,
} from "./store.ts";
import { temporaryPrefix } from "./temporary.ts";

/** A reference that cannot be read any more is as good as none to who replaces it. */
function readIfSound(store: Store, name: string): Descriptor | undefined {
  try {
    return readReference(store, name);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/**
 * Lets a reference stand for a manifest. Replaces what it stood for, in one step.
 *
 * @param name a normal form (Reference.name)
 * @param config digest of the image's config
 * @param chainIds of the image's layers, lowest first
 */
export async function writeReference(
  store: Store,
  name: string,
  manifest: Descriptor,
  config: string,
  chainIds: readonly string[],
): Promise<void> {
  const { mediaType, digest, size } = manifest;
  const annotations = { [configAnnotation]: config, [chainIdsAnnotation]: chainIds.join(",") };
  const text = JSON.stringify({ mediaType, digest, size, annotations });
  const old = readIfSound(store, name);
  const isSame =
    old?.digest === digest &&
    old.mediaType === mediaType &&
    Object.entries(annotations).every(([key, value]) => old.annotations?.[key] === value);
  if (isSame) return;
  const path = referencePath(store, name);
  await mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true, mode: 0o700 });
  await replaceFile(`${store.root}/refs`, path, text);
}

/** Takes a name away; what it stood for stays until the store is pruned. False if it was not there. */
export async function removeReference(store: Store, name: string): Promise<boolean> {
  try {
    await rm(referencePath(store, name));
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

async function collect(directory: string, prefix: string, names: string[]): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    if (entry.name.startsWith(temporaryPrefix)) continue;
    if (entry.isDirectory()) {
      await collect(`${directory}/${entry.name}`, prefix + entry.name.slice(0, -1), names);
    } else {
      names.push(decodeURIComponent(prefix + entry.name));
    }
  }
}

/** All references of the store with what they stand for, sorted by name. */
export async function listReferences(
  store: Store,
): Promise<readonly { readonly name: string; readonly manifest: Descriptor }[]> {
  const names: string[] = [];
  try {
    await collect(`${store.root}/refs`, "", names);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return names.sort().flatMap((name) => {
    const manifest = readReference(store, name);
    return manifest === undefined ? [] : [{ name, manifest }];
  });
}
