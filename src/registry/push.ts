/** Pushes images of the store to their registries. */

import { checkContent, digestOf, hasBlob } from "../image/blob.ts";
import { gather, readFileInChunks } from "../image/blob-source.ts";
import { parseImageConfig } from "../image/config.ts";
import { ImageError, quote } from "../image/error.ts";
import { whileHeld } from "../image/hold.ts";
import {
  type Descriptor,
  documentBytesMax,
  type Manifest,
  type Platform,
  parseManifest,
} from "../image/manifest.ts";
import { listReferences } from "../image/names.ts";
import { describePlatform, isPlatform } from "../image/platform.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { blobPath, findReference, type Store } from "../image/store.ts";
import { endpointOf } from "./address.ts";
import { asImageError, RegistryClient } from "./client.ts";
import { clientOptions, type RegistryOptions, settingsOf } from "./pull.ts";
import { pushBlob, type UploadOutcome } from "./upload.ts";

export type PushProgress =
  | { readonly kind: "layers"; readonly descriptors: readonly Descriptor[] }
  | {
      readonly kind: "uploading";
      readonly digest: string;
      readonly done: number;
      readonly total: number;
    }
  | { readonly kind: "layer"; readonly digest: string; readonly outcome: UploadOutcome };

export interface PushOptions extends RegistryOptions {
  /** Refuse an image for another one. */
  readonly platform?: Platform;
  /** Blobs that are uploaded at a time; 3 unless given. */
  readonly parallel?: number;
  /** Larger blobs are sent in pieces of this size; 16 MiB unless given. */
  readonly chunkBytes?: number;
  readonly onProgress?: (progress: PushProgress) => void;
}

const parallelUploads = 3;
const uploadChunk = 16 * 1024 * 1024;

/** An image as the store has it. */
type Stored = {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
  readonly manifest: Manifest;
};

async function readDocument(store: Store, { digest, size }: Descriptor, what: string) {
  const bytes = await gather(readFileInChunks(blobPath(store, digest)), documentBytesMax, what);
  checkContent({ digest: digestOf(bytes), size: bytes.length }, { digest, size }, what);
  return bytes;
}

/** What is pushed has the registry's name: who lacks it has the image by another one. */
function findStored(store: Store, name: string): Descriptor {
  try {
    return findReference(store, name);
  } catch (cause) {
    if (!(cause instanceof ImageError) || cause.code !== "not-found") throw cause;
    throw new ImageError(
      "not-found",
      `no image ${quote(name)} in ${store.root}: \`pivot tag\` gives one of \`pivot images\` that name`,
      { cause },
    );
  }
}

async function readStored(store: Store, name: string): Promise<Stored> {
  const descriptor = findStored(store, name);
  const what = `the manifest of ${quote(name)}`;
  const bytes = await readDocument(store, descriptor, what);
  const manifest = parseManifest(bytes, descriptor.mediaType, what);
  if (manifest.kind === "index") {
    throw new ImageError("unsupported", `${quote(name)} is an index, which is not pushed`);
  }
  return { descriptor, bytes, manifest };
}

async function checkPlatform(
  store: Store,
  name: string,
  { config }: Manifest,
  wanted: Platform | undefined,
): Promise<void> {
  if (wanted === undefined) return;
  const what = `the config of ${quote(name)}`;
  const found = parseImageConfig(await readDocument(store, config, what), what);
  if (isPlatform(found, wanted)) return;
  throw new ImageError(
    "unsupported",
    `${quote(name)} is for ${describePlatform(found)}, not for ${describePlatform(wanted)}`,
  );
}

async function checkBlobs(store: Store, name: string, { layers }: Manifest): Promise<void> {
  for (const layer of layers) {
    if (await hasBlob(store, layer)) continue;
    throw new ImageError(
      "not-found",
      `the store has lost the layer ${layer.digest} of ${quote(name)}: pull or import it again`,
    );
  }
}

/** Other repositories of the registry that some of the blobs are known from, by digest. */
async function mountSources(
  store: Store,
  { domain, path }: RegistryReference,
  { layers }: Manifest,
): Promise<ReadonlyMap<string, readonly string[]>> {
  const wanted = new Set(layers.map(({ digest }) => digest));
  const found = new Map<string, string[]>();
  for (const { name } of await listReferences(store)) {
    const other = parseReference(name);
    if (other.transport !== "registry" || other.domain !== domain || other.path === path) continue;
    try {
      for (const { digest } of (await readStored(store, name)).manifest.layers) {
        if (wanted.has(digest)) found.set(digest, [...(found.get(digest) ?? []), other.path]);
      }
    } catch (error) {
      // Another image that is damaged is no reason not to push this one.
      if (!(error instanceof ImageError)) throw error;
    }
  }
  return found;
}

/** Does `work` for each, so many at a time; the first failure ends it. */
async function inParallel<T>(
  items: readonly T[],
  count: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = [...items];
  const worker = async () => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      try {
        await work(item);
      } catch (error) {
        left.length = 0;
        throw error;
      }
    }
  };
  const outcomes = await Promise.allSettled(Array.from({ length: count }, worker));
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

async function putManifest(
  client: RegistryClient,
  { path, tag, name }: RegistryReference,
  { descriptor, bytes }: Stored,
): Promise<void> {
  const answer = await client.request({
    method: "PUT",
    path: `v2/${path}/manifests/${tag}`,
    headers: { "Content-Type": descriptor.mediaType },
    body: new Blob([new Uint8Array(bytes)]),
    accept: [201, 200, 202],
    what: `manifest of ${name}`,
  });
  await answer.discard();
  const said = answer.headers.get("docker-content-digest");
  if (said !== null && said !== descriptor.digest) {
    throw new ImageError(
      "digest-mismatch",
      `${client.endpoint.host} has stored ${quote(said)} in place of ${descriptor.digest}`,
    );
  }
}

/**
 * Pushes an image, as it is: its digest stays what it was.
 *
 * @param reference with a tag
 * @returns the manifest's descriptor
 * @throws ImageError in one line; the signal's reason
 */
export async function pushImage(
  store: Store,
  reference: RegistryReference,
  options: PushOptions,
): Promise<Descriptor> {
  const stored = await readStored(store, reference.name);
  const { descriptor, manifest } = stored;
  const needed = [descriptor, manifest.config, ...manifest.layers].map(({ digest }) => digest);
  // Nobody removes them meanwhile.
  return whileHeld(store, needed, () => pushStored(store, reference, stored, options));
}

async function pushStored(
  store: Store,
  reference: RegistryReference,
  stored: Stored,
  options: PushOptions,
): Promise<Descriptor> {
  const { domain, path, name } = reference;
  const { manifest } = stored;
  await checkPlatform(store, name, manifest, options.platform);
  await checkBlobs(store, name, manifest);
  const sources = await mountSources(store, reference, manifest);
  const others = new Set([...sources.values()].map(([first]) => first ?? ""));
  const scopes = [
    `repository:${path}:pull,push`,
    ...[...others].map((other) => `repository:${other}:pull`),
  ];
  const endpoint = endpointOf(domain, settingsOf(options));
  const client = new RegistryClient(endpoint, path, scopes, clientOptions(options));
  const blobs = [...new Map(manifest.layers.map((layer) => [layer.digest, layer])).values()];
  options.onProgress?.({ kind: "layers", descriptors: blobs });
  const push = async (blob: Descriptor, tell: PushOptions["onProgress"]) => {
    const { digest, size: total } = blob;
    const outcome = await pushBlob({
      client,
      repository: path,
      content: blob,
      path: blobPath(store, digest),
      chunkBytes: options.chunkBytes ?? uploadChunk,
      mountFrom: sources.get(digest) ?? [],
      onBytes: (done) => tell?.({ kind: "uploading", digest, done, total }),
    });
    tell?.({ kind: "layer", digest, outcome });
  };
  try {
    await inParallel(blobs, options.parallel ?? parallelUploads, (blob) =>
      push(blob, options.onProgress),
    );
    await push(manifest.config, undefined);
    await putManifest(client, reference, stored);
  } catch (error) {
    throw asImageError(error);
  }
  return stored.descriptor;
}

/** What the store has of a repository under tags. */
export async function storedTags(
  store: Store,
  { domain, path }: RegistryReference,
): Promise<readonly RegistryReference[]> {
  return (await listReferences(store)).flatMap(({ name }) => {
    const found = parseReference(name);
    if (found.transport !== "registry" || found.digest !== undefined) return [];
    return found.domain === domain && found.path === path ? [found] : [];
  });
}
