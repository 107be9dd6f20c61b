/**
 * Brings an image into the store from any source of blobs: chooses the platform,
 * checks every document and digest, unpacks what is not unpacked, and lets
 * references stand for it once all is there. Meanwhile nobody removes any of it.
 */
import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { digestOf, hasBlob, prepareStore, putBlob } from "./blob.ts";
import { type BlobSource, gather, readDocument, readFileInChunks } from "./blob-source.ts";
import { type ImageConfig, parseImageConfig } from "./config.ts";
import { defaultLimits, type ExpansionLimits } from "./decompress.ts";
import { refuseDuplicateKeys } from "./duplicate-key.ts";
import { ImageError, quote } from "./error.ts";
import { type ObjectKey, whileHeld } from "./hold.ts";
import { bringLayer, type Layer, type LayerOptions, type LayerOutcome } from "./layer.ts";
import {
  type Descriptor,
  documentBytesMax,
  type Manifest,
  type Platform,
  parseManifest,
} from "./manifest.ts";
import {
  entryOf,
  type ImageEntry,
  listIds,
  listReferences,
  readIfSound,
  writeRecord,
  writeReference,
} from "./names.ts";
import { describePlatform, platformOf, selectPlatform } from "./platform.ts";
import { isDigest } from "./reference.ts";
import { removeTemporaries, staleTemporaries } from "./remove.ts";
import { blobPath, findReference, layerPath, type Store } from "./store.ts";
import type { UnpackerOptions } from "./unpack.ts";

/** What importing tells while it works. Layers are counted from 1. */
export type ImportProgress =
  /** The image is known: its layers, lowest first, and those whose blobs the store lacks. */
  | {
      readonly kind: "layers";
      readonly descriptors: readonly Descriptor[];
      readonly missing: readonly Descriptor[];
    }
  | {
      readonly kind: "reading";
      readonly layer: number;
      readonly layers: number;
      readonly digest: string;
      /** Bytes of the blob, and how many of them have been read. */
      readonly total: number;
      readonly done: number;
    }
  | {
      readonly kind: "layer";
      readonly layer: number;
      readonly layers: number;
      readonly digest: string;
      readonly outcome: LayerOutcome;
    };

export interface ImportOptions extends UnpackerOptions {
  /** Which manifest of an index; this machine's platform unless given. */
  readonly platform?: Platform;
  readonly limits?: Partial<ExpansionLimits>;
  readonly onProgress?: (progress: ImportProgress) => void;
}

export interface ImportedImage {
  /** The normal forms of the references that now stand for it. */
  readonly references: readonly string[];
  /** The image's ID: the digest of its config. */
  readonly id: string;
  /** The manifest's digest. */
  readonly digest: string;
  /** Absolute paths of the unpacked layers, lowest first. */
  readonly layers: readonly string[];
}

const indexDepthMax = 4;

/**
 * The chain ID of each layer: its key among all layers on all others.
 *
 * @returns hex, lowest first
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md#layer-chainid
 */
export function chainIds(diffIds: readonly string[]): readonly string[] {
  const ids: string[] = [];
  for (const diffId of diffIds) {
    const below = ids.at(-1);
    const own = diffId.slice("sha256:".length);
    ids.push(
      below === undefined
        ? own
        : createHash("sha256").update(`sha256:${below} ${diffId}`).digest("hex"),
    );
  }
  return ids;
}

/** Follows indexes to the manifest for a platform. */
export async function findManifest(
  source: BlobSource,
  descriptor: Descriptor,
  platform: Platform,
): Promise<{ descriptor: Descriptor; bytes: Buffer; manifest: Manifest }> {
  let current = descriptor;
  for (let depth = 0; depth <= indexDepthMax; depth++) {
    const what = `manifest ${current.digest} of ${source.name}`;
    const bytes = await readDocument(source, current, what);
    refuseDuplicateKeys(bytes.toString("utf8"), what);
    const manifest = parseManifest(bytes, current.mediaType, what);
    if (manifest.kind === "manifest") return { descriptor: current, bytes, manifest };
    current = selectPlatform(manifest.manifests, platform, what);
  }
  throw new ImageError(
    "invalid-image",
    `${source.name} nests indexes more than ${indexDepthMax} deep`,
  );
}

function checkConfig(
  config: ImageConfig,
  manifest: Manifest,
  wanted: Platform | undefined,
  what: string,
): void {
  if (config.os !== "linux") {
    throw new ImageError(
      "unsupported",
      `${what} is for ${quote(config.os)}; containers here are Linux`,
    );
  }
  // An image that stands for itself says nowhere else what it is for.
  if (wanted !== undefined && config.architecture !== wanted.architecture) {
    const found = describePlatform(config);
    throw new ImageError("unsupported", `${what} is for ${found}, not ${describePlatform(wanted)}`);
  }
  const [layers, diffIds] = [manifest.layers.length, config.rootfs.diff_ids.length];
  if (layers !== diffIds) {
    throw new ImageError("invalid-image", `${what} lists ${diffIds} diff_ids for ${layers} layers`);
  }
}

/**
 * Brings a layer from the store's own blob if it is there. Should that turn out to be
 * damaged, it is thrown away and comes from the source.
 */
async function bringFromNearest(
  store: Store,
  source: BlobSource,
  descriptor: Descriptor,
  layer: Omit<Layer, "blob" | "open">,
  options: LayerOptions,
): Promise<LayerOutcome> {
  const { digest, size } = descriptor;
  const blob = { digest, size };
  const path = blobPath(store, digest);
  if (await hasBlob(store, blob)) {
    try {
      return await bringLayer(
        store,
        { ...layer, blob, open: () => readFileInChunks(path) },
        options,
      );
    } catch (error) {
      const isDamaged = error instanceof ImageError && /^(?:digest|invalid)/.test(error.code);
      if (!isDamaged || (await digestOfFile(path)) === digest) throw error;
      await rm(path, { force: true });
    }
  }
  const open = () => source.open(descriptor);
  const isStored = source.storesLayers === true;
  return bringLayer(store, { ...layer, blob, open, isStored }, options);
}

/** Tells whoever wants to know what the source will be asked for. */
async function announceLayers(
  store: Store,
  source: BlobSource,
  { layers }: Manifest,
  { onProgress }: ImportOptions,
): Promise<void> {
  if (source.expect === undefined && onProgress === undefined) return;
  const isThere = await Promise.all(layers.map((layer) => hasBlob(store, layer)));
  const missing = layers.filter((_, i) => !isThere[i]);
  onProgress?.({ kind: "layers", descriptors: layers, missing });
  source.expect?.(missing);
}

/** What a file hashes to. */
export async function digestOfFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of readFileInChunks(path)) hash.update(chunk);
  return `sha256:${hash.digest("hex")}`;
}

/** `DIGEST CHAIN-ID` of the blobs that images of the store were made of, each with its layer. */
async function provenLayers(store: Store): Promise<ReadonlySet<string>> {
  const proven = new Set<string>();
  const records = (await listIds(store)).map((id) => readIfSound(store, id));
  const named = (await listReferences(store)).map(({ manifest }) => manifest);
  for (const descriptor of [...records, ...named]) {
    const entry = descriptor && entryOf(descriptor);
    const layers = entry === undefined ? [] : await layersOf(store, entry);
    for (const [i, { digest }] of layers.entries()) proven.add(`${digest} ${entry?.chainIds[i]}`);
  }
  return proven;
}

/** The blobs of a manifest of the store; none when it is damaged. */
async function layersOf(store: Store, { manifest }: ImageEntry): Promise<readonly Descriptor[]> {
  const { digest, mediaType } = manifest;
  const path = blobPath(store, digest);
  try {
    const bytes = await gather(readFileInChunks(path), documentBytesMax, path);
    const parsed = digestOf(bytes) === digest ? parseManifest(bytes, mediaType, path) : undefined;
    return parsed?.kind === "manifest" ? parsed.layers : [];
  } catch (error) {
    if (error instanceof ImageError) return [];
    throw error;
  }
}

async function bringLayers(
  store: Store,
  source: BlobSource,
  manifest: Manifest,
  diffIds: readonly string[],
  options: ImportOptions,
): Promise<void> {
  const ids = chainIds(diffIds);
  const paths = ids.map((id) => layerPath(store, id));
  const layers = manifest.layers.length;
  const limits = { ...defaultLimits, ...options.limits };
  await announceLayers(store, source, manifest, options);
  const proven = await provenLayers(store);
  for (const [i, descriptor] of manifest.layers.entries()) {
    const about = { layer: i + 1, layers, digest: descriptor.digest };
    const total = descriptor.size;
    const outcome = await bringFromNearest(
      store,
      source,
      descriptor,
      {
        diffId: diffIds[i] ?? "",
        chainId: ids[i] ?? "",
        lower: paths.slice(0, i),
        isProven: proven.has(`${descriptor.digest} ${ids[i]}`),
        name: `layer ${i + 1} of ${layers} of ${source.name}`,
      },
      {
        ...options,
        limits,
        onBytes: (done) => options.onProgress?.({ kind: "reading", ...about, total, done }),
      },
    );
    options.onProgress?.({ kind: "layer", ...about, outcome });
  }
}

/**
 * Imports the image that a descriptor leads to.
 *
 * @param references normal forms that shall stand for it
 * @throws ImageError, one line that names what is wrong
 */
export async function importImage(
  store: Store,
  source: BlobSource,
  descriptor: Descriptor,
  references: readonly string[],
  options: ImportOptions,
): Promise<ImportedImage> {
  const platform = options.platform ?? platformOf(process.arch);
  const found = await findManifest(source, descriptor, platform);
  const aboutConfig = `config ${found.manifest.config.digest} of ${source.name}`;
  const configBytes = await readDocument(source, found.manifest.config, aboutConfig);
  refuseDuplicateKeys(configBytes.toString("utf8"), aboutConfig);
  const config = parseImageConfig(configBytes, aboutConfig);
  checkConfig(config, found.manifest, options.platform, aboutConfig);
  await prepareStore(store);
  const diffIds = config.rootfs.diff_ids;
  const entry: ImageEntry = {
    manifest: found.descriptor,
    config: found.manifest.config.digest,
    chainIds: chainIds(diffIds),
  };
  await whileHeld(store, objectsOf(entry, found.manifest), async () => {
    await bringLayers(store, source, found.manifest, diffIds, options);
    await putBlob(store, configBytes);
    await putBlob(store, found.bytes);
    await writeRecord(store, entry);
    for (const name of references) await writeReference(store, name, entry);
  });
  await sweep(store, options);
  return {
    references,
    id: entry.config,
    digest: found.descriptor.digest,
    layers: entry.chainIds.map((id) => layerPath(store, id)),
  };
}

/** Removes what killed imports have left. It can wait, should that fail. */
async function sweep(store: Store, options: UnpackerOptions): Promise<void> {
  try {
    await removeTemporaries(await staleTemporaries(store), options);
  } catch {
    // `system check` tells of what cannot be removed.
  }
}

/** All that an image is made of. */
export function objectsOf(entry: ImageEntry, manifest: Manifest): readonly ObjectKey[] {
  const blobs = manifest.layers.map(({ digest }) => digest);
  return [entry.manifest.digest, entry.config, ...blobs, ...entry.chainIds];
}

/**
 * Unpacks again what is missing of an image that is in the store.
 *
 * @param name a normal form, or an image ID
 */
export async function repairImage(
  store: Store,
  name: string,
  options: ImportOptions,
): Promise<ImportedImage> {
  const descriptor = findReference(store, name);
  const source: BlobSource = {
    name: quote(name),
    open: ({ digest }) => readFileInChunks(blobPath(store, digest)),
  };
  const names = isDigest(name) ? [] : [name];
  return importImage(store, source, descriptor, names, options);
}
