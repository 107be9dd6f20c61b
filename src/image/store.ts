/**
 * The store of images, as far as starting a container needs it: this is the hot
 * path, so it is synchronous, reads two small files, and loads nothing but
 * node:fs. What writes to the store is in modules of its own (import.ts).
 *
 * ```
 * ROOT/blobs/sha256/HEX   every blob by its digest, as in an OCI layout
 * ROOT/refs/NAME          the descriptor of a manifest; NAME is percent-encoded
 * ROOT/images/HEX         the same, by the image's ID, which is the digest of its config
 * ROOT/layers/CHAIN-ID    each layer unpacked, keyed by what it lies on as well
 * ROOT/layers/CHAIN-ID.size  bytes of its files, as text
 * ROOT/holds/             who is using what, and who removes: hold.ts
 * ```
 * Every file and directory appears there by rename, complete, so that readers
 * need no lock. Names that begin with `.tmp-` are under construction.
 *
 * An image is there as long as it has a record in `images` or a reference. The record
 * is written before the first reference and removed after the last, so that an image
 * whose tag has moved to another is still found by its ID until somebody removes it.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { type ImageConfig, parseImageConfig } from "./config.ts";
import { parseObject } from "./document.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { type Descriptor, documentBytesMax, readDescriptor } from "./manifest.ts";
import { isDigest, isHex, parseReference } from "./reference.ts";

export interface Store {
  /** The data root, an absolute path without a slash at its end. */
  readonly root: string;
}

/** An image that is ready to be mounted. */
export interface ResolvedImage {
  /** The normal form of the reference. */
  readonly reference: string;
  /** The manifest's digest. */
  readonly digest: string;
  /** The digest of its config: the image's id. */
  readonly id: string;
  readonly config: ImageConfig;
  /** Absolute paths of the unpacked layers, lowest first. */
  readonly layers: readonly string[];
}

/**
 * Annotations of a reference's descriptor, which spare the hot path the manifest
 * and a hash per layer: the digest of the image's config, and the chain IDs of its
 * layers, lowest first, without `sha256:`, with commas between. Import writes them,
 * after it has checked what they come from.
 */
export const configAnnotation = "pivot.config";
export const chainIdsAnnotation = "pivot.chain-ids";

const refsSegmentLength = 200;

/** Opens a store. Nothing is touched: what writes makes the directories it needs. */
export function openStore(root: string): Store {
  if (!root.startsWith("/") || root.includes("\0")) {
    throw new ImageError("not-found", `the data root ${quote(root)} is not an absolute path`);
  }
  let end = root.length;
  while (end > 1 && root[end - 1] === "/") end -= 1;
  return { root: root.slice(0, end) };
}

/** Where a blob is or would be. `digest` must have been checked (isDigest). */
export function blobPath(store: Store, digest: string): string {
  return `${store.root}/blobs/sha256/${digest.slice("sha256:".length)}`;
}

/** Where an unpacked layer is or would be. */
export function layerPath(store: Store, chainId: string): string {
  return `${store.root}/layers/${chainId}`;
}

/**
 * Where a reference's descriptor is or would be; an image ID ("sha256:…", which no normal
 * form begins with) names the image's record. A long name goes over several
 * path components, all but the last of which end with "+", which no encoded
 * name holds: so neither can be in the way of another.
 */
export function referencePath(store: Store, name: string): string {
  if (name.startsWith("sha256:")) return `${store.root}/images/${name.slice("sha256:".length)}`;
  let path = `${store.root}/refs`;
  let rest = encodeURIComponent(name);
  for (; rest.length > refsSegmentLength; rest = rest.slice(refsSegmentLength)) {
    path += `/${rest.slice(0, refsSegmentLength)}+`;
  }
  return `${path}/${rest}`;
}

function readIfThere(path: string): Uint8Array | undefined {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** Reads the descriptor that a reference stands for; undefined if there is none. */
export function readReference(store: Store, name: string): Descriptor | undefined {
  const bytes = readIfThere(referencePath(store, name));
  if (bytes === undefined) return undefined;
  const document = `the store's reference ${quote(name)}`;
  return readDescriptor(parseObject(bytes, document), { document, field: "" });
}

/** A digest reference also finds what the store knows under a tag of the same repository. */
function findByDigest(store: Store, name: string): Descriptor | undefined {
  const at = name.indexOf("@");
  if (at < 0) return undefined;
  const prefix = encodeURIComponent(`${name.slice(0, at)}:`);
  if (prefix.length >= refsSegmentLength) return undefined;
  for (const file of readdirSync(`${store.root}/refs`)) {
    if (!file.startsWith(prefix) || file.endsWith("+")) continue;
    const found = readReference(store, decodeURIComponent(file));
    if (found?.digest === name.slice(at + 1)) return found;
  }
  return undefined;
}

/** What a normal form stands for in the store; one with a digest finds any tag of it. */
export function findReference(store: Store, name: string): Descriptor {
  try {
    const found = readReference(store, name) ?? findByDigest(store, name);
    if (found !== undefined) return found;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  throw new ImageError("not-found", `no image ${quote(name)} in ${store.root}: pull or import it`);
}

/**
 * The ID of the image that is meant by an ID or its beginning, with or without `sha256:`.
 *
 * @throws ImageError `ambiguous` when there is more than one
 */
export function findId(store: Store, text: string): string | undefined {
  const hex = text.startsWith("sha256:") ? text.slice("sha256:".length) : text;
  if (hex.length > 64 || !isHex(hex)) return undefined;
  let found: string[];
  try {
    found = readdirSync(`${store.root}/images`).filter((name) => name.startsWith(hex));
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
  if (found.length > 1) {
    const why = `${found.length} images have an ID that begins with ${hex}: give more of it`;
    throw new ImageError("ambiguous", why);
  }
  return found[0] === undefined ? undefined : `sha256:${found[0]}`;
}

/**
 * What a text as typed stands for in the store: a reference, or else an image ID or its beginning.
 *
 * @returns the normal form, or the ID, and the descriptor
 * @throws ImageError `not-found`, `ambiguous` or `invalid-reference`
 */
export function findTyped(
  store: Store,
  text: string,
): { readonly name: string; readonly descriptor: Descriptor } {
  try {
    const { name } = parseReference(text);
    return { name, descriptor: findReference(store, name) };
  } catch (error) {
    const id = error instanceof ImageError ? findId(store, text) : undefined;
    if (id === undefined) throw error;
    return { name: id, descriptor: findReference(store, id) };
  }
}

function readConfig(store: Store, digest: string, name: string): ImageConfig {
  if (!isDigest(digest)) throw notUnpacked(name, "was never unpacked");
  const document = `config ${digest} of ${quote(name)}`;
  const bytes = readIfThere(blobPath(store, digest));
  if (bytes === undefined) throw notUnpacked(name, "has lost its config");
  if (bytes.byteLength > documentBytesMax) {
    throw new ImageError("invalid-image", `${document} is larger than ${documentBytesMax} bytes`);
  }
  return parseImageConfig(bytes, document);
}

function notUnpacked(name: string, what: string): ImageError {
  return new ImageError("not-unpacked", `image ${quote(name)} ${what}: import it again`);
}

/** The layers' chain IDs as the reference has them, checked against the image. */
function chainIdsOf(descriptor: Descriptor, count: number, name: string): readonly string[] {
  const listed = descriptor.annotations?.[chainIdsAnnotation];
  if (listed === undefined) throw notUnpacked(name, "was never unpacked");
  const ids = listed === "" ? [] : listed.split(",");
  if (ids.length !== count || !ids.every((id) => id.length === 64 && isHex(id))) {
    throw new ImageError(
      "invalid-image",
      `the store's reference ${quote(name)} lists other layers than its image has: import it again`,
    );
  }
  return ids;
}

function isDirectory(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

/**
 * Finds an image that is in the store and unpacked.
 *
 * The blobs were hashed when they came in and are not hashed again.
 *
 * @param reference as typed, or an image ID; of a file's transport, with an absolute path
 * @throws ImageError `not-found` (pull or import it), `not-unpacked` (import it
 * again), `invalid-reference` or `invalid-image`
 */
export function resolveImage(store: Store, reference: string): ResolvedImage {
  const { name, descriptor } = findTyped(store, reference);
  const id = descriptor.annotations?.[configAnnotation] ?? "";
  const config = readConfig(store, id, name);
  const layers = chainIdsOf(descriptor, config.rootfs.diff_ids.length, name).map((chainId) =>
    layerPath(store, chainId),
  );
  const missing = layers.findIndex((path) => !isDirectory(path));
  if (missing >= 0) {
    throw notUnpacked(name, `has lost its layer ${missing + 1} of ${layers.length}`);
  }
  return { reference: name, digest: descriptor.digest, id, config, layers };
}
