/** The images of a store, as people list them: by ID, with their names, manifests and configs. */
import { checkContent, digestOf } from "./blob.ts";
import { gather, readFileInChunks } from "./blob-source.ts";
import { type ImageConfig, parseImageConfig } from "./config.ts";
import { type JsonObject, parseObject } from "./document.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { familiarName } from "./familiar.ts";
import type { ObjectKey } from "./hold.ts";
import { objectsOf } from "./image-import.ts";
import { layerSize } from "./layer-size.ts";
import { documentBytesMax, type Manifest, parseManifest } from "./manifest.ts";
import { entryOf, type ImageEntry, listIds, listReferences, readIfSound } from "./names.ts";
import { parseReference } from "./reference.ts";
import { blobPath, findTyped, type Store } from "./store.ts";

/** An image, with everything that stands for it. */
export interface StoredImage {
  /** Digest of its config. */
  readonly id: string;
  /** Normal forms, sorted; none: it is dangling. */
  readonly references: readonly string[];
  /** Its manifests: one, unless its references lead to several that differ in compression alone. */
  readonly entries: readonly ImageEntry[];
  /** The manifest's digest by reference. */
  readonly digests: ReadonlyMap<string, string>;
}

interface Gathered {
  readonly references: string[];
  readonly entries: ImageEntry[];
  readonly digests: Map<string, string>;
}

/** All images, by ID. What cannot be read at all is left to `system check`. */
export async function listImages(store: Store): Promise<readonly StoredImage[]> {
  const byId = new Map<string, Gathered>();
  const add = (entry: ImageEntry, reference: string | undefined): void => {
    const fresh: Gathered = { references: [], entries: [], digests: new Map() };
    const known = byId.get(entry.config) ?? fresh;
    byId.set(entry.config, known);
    if (reference !== undefined) {
      known.references.push(reference);
      known.digests.set(reference, entry.manifest.digest);
    }
    if (!known.entries.some(({ manifest }) => manifest.digest === entry.manifest.digest)) {
      known.entries.push(entry);
    }
  };
  for (const { name, manifest } of await listReferences(store)) {
    const entry = entryOf(manifest);
    if (entry !== undefined) add(entry, name);
  }
  for (const id of await listIds(store)) {
    const record = readIfSound(store, id);
    const entry = record && entryOf(record);
    if (entry?.config === id) add(entry, undefined);
  }
  return [...byId].map(([id, gathered]) => ({ id, ...gathered }));
}

/** Which image is meant by a reference, an ID or its beginning. */
export interface FoundImage {
  readonly image: StoredImage;
  /** Its normal form when a reference was typed; undefined for an ID. */
  readonly reference: string | undefined;
}

/** Looks in the store alone: nothing is pulled for who lists, saves or removes. */
function findHere(store: Store, text: string): ReturnType<typeof findTyped> {
  try {
    return findTyped(store, text);
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "not-found") throw error;
    const name = familiarName(parseReference(text).name);
    const why = `no such image: ${name}; \`pivot images\` lists those that there are`;
    throw new ImageError("not-found", why, { cause: error });
  }
}

/** @throws ImageError `not-found`, `ambiguous`, `invalid-reference`, or `not-unpacked` */
export async function findImageByText(store: Store, text: string): Promise<FoundImage> {
  const { name, descriptor } = findHere(store, text);
  const entry = entryOf(descriptor);
  const image = (await listImages(store)).find(({ id }) => id === entry?.config);
  if (entry !== undefined && image === undefined) {
    throw new ImageError("not-found", `image ${quote(name)} was removed just now`);
  }
  if (image === undefined) {
    throw new ImageError(
      "not-unpacked",
      `the store's reference ${quote(name)} is damaged: import the image again`,
    );
  }
  const isId = name.startsWith("sha256:");
  return { image, reference: isId ? undefined : name };
}

/** Reads a small blob of the store and checks it. */
async function readChecked(store: Store, digest: string, what: string): Promise<Buffer> {
  let bytes: Buffer;
  try {
    bytes = await gather(readFileInChunks(blobPath(store, digest)), documentBytesMax, what);
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "not-found") throw error;
    throw new ImageError("not-found", `${what} is missing: import the image again`);
  }
  const size = bytes.length;
  checkContent({ digest: digestOf(bytes), size }, { digest, size }, what);
  return bytes;
}

/** The manifest of an entry, from the store. */
export async function manifestOf(store: Store, entry: ImageEntry): Promise<Manifest> {
  const { digest, mediaType } = entry.manifest;
  const what = `manifest ${digest} of image ${shortId(entry.config)}`;
  const manifest = parseManifest(await readChecked(store, digest, what), mediaType, what);
  if (manifest.kind === "index") throw new ImageError("invalid-image", `${what} is an index`);
  return manifest;
}

/** The config, read for us, and as the document has it. */
export async function configOf(
  store: Store,
  id: string,
): Promise<{ readonly config: ImageConfig; readonly document: JsonObject }> {
  const what = `config of image ${shortId(id)}`;
  const bytes = await readChecked(store, id, what);
  return { config: parseImageConfig(bytes, what), document: parseObject(bytes, what) };
}

/** The keys of everything that an image needs. */
export async function closureOf(store: Store, image: StoredImage): Promise<readonly ObjectKey[]> {
  const keys: ObjectKey[] = [];
  for (const entry of image.entries) {
    keys.push(...objectsOf(entry, await manifestOf(store, entry)));
  }
  return [...new Set(keys)];
}

/** Bytes of each layer's files, lowest first; 0 for one that is missing. */
export async function layerSizes(store: Store, image: StoredImage): Promise<readonly number[]> {
  const chainIds = image.entries[0]?.chainIds ?? [];
  return Promise.all(chainIds.map(async (id) => (await layerSize(store, id)) ?? 0));
}

/** When a config was made, in milliseconds since 1970; undefined if it does not say. */
export function createdTime({ created }: Pick<ImageConfig, "created">): number | undefined {
  const time = Date.parse(created ?? "");
  return Number.isNaN(time) ? undefined : time;
}

/** The first twelve digits, as lists show an ID. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** Whether a failure says that something of the store is not there or not what it should be. */
export function isDamage(error: unknown): boolean {
  return error instanceof ImageError ? error.code !== "busy" : codeOf(error) === "ENOENT";
}
