/**
 * The store of images, as far as starting a container needs it: this is the hot
 * path, so it is synchronous, reads three small files, and loads nothing but
 * node:fs. What writes to the store is in modules of its own (import.ts).
 *
 * ```
 * ROOT/blobs/sha256/HEX   every blob by its digest, as in an OCI layout
 * ROOT/refs/NAME          the descriptor of a manifest; NAME is percent-encoded
 * ROOT/layers/CHAIN-ID    each layer unpacked, keyed by what it lies on as well
 * ```
 * Every file and directory appears there by rename, complete, so that readers
 * need no lock. Names that begin with `.tmp-` are under construction.
 */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { type ImageConfig, parseImageConfig } from "./config.ts";
import { parseObject } from "./document.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import {
  type Descriptor,
  documentBytesMax,
  isManifestType,
  type Manifest,
  parseManifest,
  readDescriptor,
} from "./manifest.ts";
import { parseReference } from "./reference.ts";

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
  readonly manifest: Manifest;
  readonly config: ImageConfig;
  /** Absolute paths of the unpacked layers, lowest first. */
  readonly layers: readonly string[];
}

/**
 * The annotation of a reference's descriptor that lists the chain IDs of the
 * image's layers, lowest first, without `sha256:`, with commas between. Computing
 * them takes a hash per layer, which is done once, at import.
 */
export const chainIdsAnnotation = "pivot.chain-ids";

const refsSegmentLength = 200;
const chainIdPattern = /^[0-9a-f]{64}$/;

/** Opens a store. Nothing is touched: what writes makes the directories it needs. */
export function openStore(root: string): Store {
  if (!root.startsWith("/") || root.includes("\0")) {
    throw new ImageError("not-found", `the data root ${quote(root)} is not an absolute path`);
  }
  return { root: root.replace(/(?<=.)\/+$/, "") };
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
 * Where a reference's descriptor is or would be. A long name goes over several
 * path components, all but the last of which end with "+", which no encoded
 * name holds: so neither can be in the way of another.
 */
export function referencePath(store: Store, name: string): string {
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

function find(store: Store, name: string): Descriptor {
  try {
    const found = readReference(store, name) ?? findByDigest(store, name);
    if (found !== undefined) return found;
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
  }
  throw new ImageError("not-found", `no image ${quote(name)} in ${store.root}: pull or import it`);
}

function readDocument(store: Store, descriptor: Descriptor, document: string): Uint8Array {
  if (descriptor.size > documentBytesMax) {
    throw new ImageError("invalid-image", `${document} is larger than ${documentBytesMax} bytes`);
  }
  const bytes = readIfThere(blobPath(store, descriptor.digest));
  if (bytes === undefined) {
    throw new ImageError("not-unpacked", `${document} is not in the store: import the image again`);
  }
  if (bytes.byteLength !== descriptor.size) {
    throw new ImageError(
      "digest-mismatch",
      `${document} has ${bytes.byteLength} bytes in place of ${descriptor.size}: import the image again`,
    );
  }
  return bytes;
}

/** The layers' chain IDs as the reference has them, checked against the image. */
function chainIdsOf(descriptor: Descriptor, count: number, name: string): readonly string[] {
  const listed = descriptor.annotations?.[chainIdsAnnotation];
  if (listed === undefined) {
    throw new ImageError(
      "not-unpacked",
      `image ${quote(name)} was never unpacked: import it again`,
    );
  }
  const ids = listed === "" ? [] : listed.split(",");
  if (ids.length !== count || !ids.every((id) => chainIdPattern.test(id))) {
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
 * The blobs were hashed when they came in and are not hashed again; their lengths
 * are compared.
 *
 * @param reference as typed; of a file's transport, with an absolute path
 * @throws ImageError `not-found` (pull or import it), `not-unpacked` (import it
 * again), `invalid-reference` or `invalid-image`
 */
export function resolveImage(store: Store, reference: string): ResolvedImage {
  const { name } = parseReference(reference);
  const descriptor = find(store, name);
  const about = `manifest ${descriptor.digest} of ${quote(name)}`;
  if (!isManifestType(descriptor.mediaType)) {
    throw new ImageError(
      "invalid-image",
      `${about} has the media type ${quote(descriptor.mediaType)}`,
    );
  }
  const manifest = parseManifest(
    readDocument(store, descriptor, about),
    descriptor.mediaType,
    about,
  );
  if (manifest.kind !== "manifest") throw new ImageError("invalid-image", `${about} is an index`);
  const aboutConfig = `config ${manifest.config.digest} of ${quote(name)}`;
  const config = parseImageConfig(readDocument(store, manifest.config, aboutConfig), aboutConfig);
  const layers = chainIdsOf(descriptor, config.rootfs.diff_ids.length, name).map((id) =>
    layerPath(store, id),
  );
  const missing = layers.findIndex((path) => !isDirectory(path));
  if (missing >= 0) {
    throw new ImageError(
      "not-unpacked",
      `layer ${missing + 1} of ${layers.length} of image ${quote(name)} is not unpacked: import it again`,
    );
  }
  return { reference: name, digest: descriptor.digest, manifest, config, layers };
}
