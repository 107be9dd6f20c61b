/**
 * The write side of references and of images' records: giving names to images, taking
 * them away, and listing them.
 */
import { existsSync } from "node:fs";
import { mkdir, readdir, rm } from "node:fs/promises";
import { replaceFile } from "./blob.ts";
import { codeOf, ImageError } from "./error.ts";
import type { Descriptor } from "./manifest.ts";
import { isDigest, isHex } from "./reference.ts";
import {
  chainIdsAnnotation,
  configAnnotation,
  readReference,
  referencePath,
  type Store,
} from "./store.ts";
import { temporaryPrefix } from "./temporary.ts";

/** A reference that cannot be read any more is as good as none, but to `system check`. */
export function readIfSound(store: Store, name: string): Descriptor | undefined {
  try {
    return readReference(store, name);
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}

/** What a reference or a record says: which manifest, and what the hot path needs to know of it. */
export interface ImageEntry {
  readonly manifest: Pick<Descriptor, "mediaType" | "digest" | "size">;
  /** The image's ID: the digest of its config. */
  readonly config: string;
  /** Of the layers, lowest first: hex. */
  readonly chainIds: readonly string[];
}

/** Reads an entry from a descriptor of the store; undefined if it was never unpacked. */
export function entryOf(descriptor: Descriptor): ImageEntry | undefined {
  const { mediaType, digest, size, annotations = {} } = descriptor;
  const [config, listed] = [annotations[configAnnotation], annotations[chainIdsAnnotation]];
  if (config === undefined || !isDigest(config) || listed === undefined) return undefined;
  const chainIds = listed === "" ? [] : listed.split(",");
  if (!chainIds.every((id) => id.length === 64 && isHex(id))) return undefined;
  return { manifest: { mediaType, digest, size }, config, chainIds };
}

/** Puts an entry under a name, in one step. */
async function put(store: Store, name: string, entry: ImageEntry): Promise<void> {
  const { mediaType, digest, size } = entry.manifest;
  const annotations = {
    [configAnnotation]: entry.config,
    [chainIdsAnnotation]: entry.chainIds.join(","),
  };
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

/** Writes an image's record: from now on it is found by its ID, whatever its names come to stand for. */
export function writeRecord(store: Store, entry: ImageEntry): Promise<void> {
  return put(store, entry.config, entry);
}

/**
 * Lets a reference stand for an image, in one step. What it stood for keeps its record.
 *
 * @param name a normal form (Reference.name)
 */
export async function writeReference(store: Store, name: string, entry: ImageEntry): Promise<void> {
  const replaced = readIfSound(store, name);
  const old = replaced && entryOf(replaced);
  if (old !== undefined && old.config !== entry.config) {
    // Its own writer may have been killed before, or it comes from an older store.
    if (!existsSync(referencePath(store, old.config))) await writeRecord(store, old);
  }
  await put(store, name, entry);
}

/** Takes a name, or the record of an image ID, away: nothing else. False if it was not there. */
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

type Named = { readonly name: string; readonly manifest: Descriptor };

/** The names of all references, sorted, whatever they stand for. */
export async function listReferenceNames(store: Store): Promise<readonly string[]> {
  const names: string[] = [];
  try {
    await collect(`${store.root}/refs`, "", names);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  return names.sort();
}

/** All references that can be read, with what they stand for, sorted by name. */
export async function listReferences(store: Store): Promise<readonly Named[]> {
  return (await listReferenceNames(store)).flatMap((name) => {
    const manifest = readIfSound(store, name);
    return manifest === undefined ? [] : [{ name, manifest }];
  });
}

/** The IDs of all images that have a record, sorted. */
export async function listIds(store: Store): Promise<readonly string[]> {
  try {
    const names = await readdir(`${store.root}/images`);
    return names.filter((name) => name.length === 64 && isHex(name)).map((hex) => `sha256:${hex}`);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return [];
    throw error;
  }
}
