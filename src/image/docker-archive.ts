/**
 * Imports from an archive of `docker save`: the old kind, whose manifest.json
 * names tars of layers, and the newer one, which is an OCI layout in a tar.
 * The archive may be compressed as a whole.
 */
import { createHash } from "node:crypto";
import { type FileHandle, open, rm, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { type ImageFiles, indexArchive } from "./archive-files.ts";
import { digestOf, prepareStore, writeChunk } from "./blob.ts";
import { type BlobSource, gather, memorySource, openRegular, readRange } from "./blob-source.ts";
import { parseImageConfig } from "./config.ts";
import { compressionOf, decompress, defaultLimits, type ExpansionLimits } from "./decompress.ts";
import { asObject, type JsonObject, readStrings, requireString, wrongField } from "./document.ts";
import { refuseDuplicateKeys } from "./duplicate-key.ts";
import { ImageError, quote } from "./error.ts";
import { type ImportedImage, type ImportOptions, importImage } from "./image-import.ts";
import {
  type Descriptor,
  documentBytesMax,
  ociConfigType,
  ociLayerType,
  ociManifestType,
  type Platform,
} from "./manifest.ts";
import {
  blobSourceOf,
  directoryFiles,
  type FileImportOptions,
  type LayoutImage,
  normalForms,
  readLayout,
  selectImage,
} from "./oci-layout.ts";
import { platformOf } from "./platform.ts";
import { fileReferenceName, parseReference } from "./reference.ts";
import type { Store } from "./store.ts";
import { temporaryName } from "./temporary.ts";

interface SavedImage {
  /** Path of the config in the archive. */
  readonly config: string;
  readonly tags: readonly string[];
  /** Paths of the layers' tars, lowest first. */
  readonly layers: readonly string[];
}

function readSaved(value: unknown, document: string, i: number): SavedImage {
  const place = { document, field: `[${i}]` };
  const object: JsonObject = asObject(value, place);
  const tags = (readStrings(object, "RepoTags", place) ?? []).map((tag) => {
    const reference = parseReference(tag);
    if (reference.transport === "registry") return reference.name;
    throw wrongField(place, `has the tag ${quote(tag)}, which is not a name in a registry`);
  });
  return {
    config: requireString(object, "Config", place),
    layers: readStrings(object, "Layers", place) ?? [],
    tags,
  };
}

/** An image of an archive of either kind. */
export interface ArchiveImage {
  readonly source: BlobSource;
  readonly descriptor: Descriptor;
  /** Normal forms. */
  readonly names: readonly string[];
}

async function readManifestJson(files: ImageFiles): Promise<readonly SavedImage[]> {
  const what = `manifest.json of ${files.name}`;
  if (!(await files.has("manifest.json"))) {
    throw new ImageError(
      "not-found",
      `${files.name} is no archive of docker save: it lacks manifest.json`,
    );
  }
  const text = (await gather(files.open("manifest.json"), documentBytesMax, what)).toString("utf8");
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (cause) {
    throw new ImageError("invalid-image", `${what}: it is not JSON`, { cause });
  }
  refuseDuplicateKeys(text, what);
  if (!Array.isArray(list)) throw new ImageError("invalid-image", `${what}: it must be a list`);
  return list.map((item, i) => readSaved(item, what, i));
}

async function firstBytes(files: ImageFiles, path: string): Promise<Buffer> {
  for await (const chunk of files.open(path)) return chunk;
  return Buffer.alloc(0);
}

/** A plain layer's digest is its diffID, which will be checked; a compressed one's has to be computed. */
async function describeLayer(files: ImageFiles, path: string, diffId: string): Promise<Descriptor> {
  const size = await files.size(path);
  const compression = compressionOf(await firstBytes(files, path));
  if (compression === "none") return { mediaType: ociLayerType, digest: diffId, size };
  const hash = createHash("sha256");
  for await (const chunk of files.open(path)) hash.update(chunk);
  return {
    mediaType: `${ociLayerType}+${compression}`,
    digest: `sha256:${hash.digest("hex")}`,
    size,
  };
}

/** Makes the manifest that the archive does not have. */
async function prepareSaved(files: ImageFiles, image: SavedImage): Promise<ArchiveImage> {
  const what = `config ${quote(image.config)} of ${files.name}`;
  const config = await gather(files.open(image.config), documentBytesMax, what);
  const diffIds = parseImageConfig(config, what).rootfs.diff_ids;
  if (image.layers.length !== diffIds.length) {
    throw new ImageError(
      "invalid-image",
      `${what} lists ${diffIds.length} diff_ids for ${image.layers.length} layers`,
    );
  }
  const paths = new Map<string, string>();
  const layers: Descriptor[] = [];
  for (const [i, path] of image.layers.entries()) {
    const layer = await describeLayer(files, path, diffIds[i] ?? "");
    paths.set(layer.digest, path);
    layers.push(layer);
  }
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: { mediaType: ociConfigType, digest: digestOf(config), size: config.length },
      layers,
    }),
  );
  const documents = memorySource(files.name, [config, manifest]);
  const source: BlobSource = {
    name: files.name,
    open(descriptor) {
      const path = paths.get(descriptor.digest);
      return path === undefined ? documents.open(descriptor) : files.open(path);
    },
  };
  return {
    source,
    names: image.tags,
    descriptor: { mediaType: ociManifestType, digest: digestOf(manifest), size: manifest.length },
  };
}

/** Picks by tag, by `@N` counted from 0, or the only one. */
function selectSaved(
  images: readonly SavedImage[],
  select: string | undefined,
  files: ImageFiles,
): SavedImage {
  const number = /^@(\d{1,6})$/.exec(select ?? "")?.[1];
  const [first] = images;
  if (select === undefined && first !== undefined && images.length === 1) return first;
  if (select !== undefined) {
    const wanted = number === undefined ? parseReference(select).name : undefined;
    const chosen = images.find((image, i) =>
      wanted === undefined ? i === Number(number) : image.tags.includes(wanted),
    );
    if (chosen !== undefined) return chosen;
  }
  const offered = images.map((image, i) => image.tags[0] ?? `@${i}`).map(quote);
  const list = offered.length === 0 ? "nothing" : offered.join(", ");
  const why = select === undefined ? "say which image" : `no image ${quote(select)}`;
  throw new ImageError("not-found", `${files.name}: ${why}: it has ${list}`);
}

function imageOfLayout(files: ImageFiles, image: LayoutImage): ArchiveImage {
  const { descriptor } = image;
  return { source: blobSourceOf(files), descriptor, names: normalForms(image) };
}

/** One image of an archive. */
async function findImage(
  files: ImageFiles,
  select: string | undefined,
  platform: Platform,
): Promise<ArchiveImage> {
  if (await files.has("index.json")) {
    return imageOfLayout(files, selectImage(await readLayout(files), select, files, platform));
  }
  return prepareSaved(files, selectSaved(await readManifestJson(files), select, files));
}

/** All images of an archive. */
async function findImages(files: ImageFiles): Promise<readonly ArchiveImage[]> {
  if (await files.has("index.json")) {
    return (await readLayout(files)).map((image) => imageOfLayout(files, image));
  }
  const saved = await readManifestJson(files);
  return Promise.all(saved.map((image) => prepareSaved(files, image)));
}

/** Writes a compressed archive out plainly, so that it can be read in any order. */
async function expand<T>(
  store: Store,
  file: FileHandle,
  limits: ExpansionLimits,
  use: (plain: FileHandle) => Promise<T>,
): Promise<T> {
  await prepareStore(store);
  const path = `${store.root}/${temporaryName()}`;
  const plain = await open(path, "wx+", 0o600);
  try {
    const { size } = await file.stat();
    await decompress(readRange(file, 0, size), limits, (chunk) => writeChunk(plain, chunk));
    return await use(plain);
  } finally {
    await plain.close();
    await rm(path, { force: true });
  }
}

/** Opens an archive, compressed or not, for as long as `use` takes. */
async function withArchive<T>(
  store: Store,
  absolute: string,
  options: ImportOptions,
  use: (files: ImageFiles) => Promise<T>,
): Promise<T> {
  const name = quote(absolute);
  const file = await openRegular(absolute);
  const useFile = async (plain: FileHandle) => use(await indexArchive(plain, name));
  try {
    const head = await gather(readRange(file, 0, 4), 4, name);
    if (compressionOf(head) === "none") return await useFile(file);
    return await expand(store, file, { ...defaultLimits, ...options.limits }, useFile);
  } catch (error) {
    if (!(error instanceof ImageError) || error.message.includes(name)) throw error;
    throw new ImageError(error.code, `${name}: ${error.message}`, { cause: error });
  } finally {
    await file.close();
  }
}

/**
 * Imports one image of an archive. Unless told otherwise it can then be found as
 * `docker-archive:FILE[:SELECT]` with the file's absolute path. Its tags are not
 * heeded: it must not take the place of another image. Images without a tag are
 * selected as `@0`, `@1`, ...
 */
export async function importDockerArchive(
  store: Store,
  path: string,
  options: FileImportOptions,
): Promise<ImportedImage> {
  const absolute = resolve(path);
  const name = options.name ?? fileReferenceName("docker-archive", absolute, options.select);
  const platform = options.platform ?? platformOf(process.arch);
  return withArchive(store, absolute, options, async (files) => {
    const image = await findImage(files, options.select, platform);
    return importImage(store, image.source, image.descriptor, [name], options);
  });
}

/** An image of a file, ready to be read as long as `use` takes. */
export function withArchiveImage<T>(
  store: Store,
  path: string,
  select: string | undefined,
  options: ImportOptions,
  use: (image: ArchiveImage) => Promise<T>,
): Promise<T> {
  const platform = options.platform ?? platformOf(process.arch);
  return withArchive(store, resolve(path), options, async (files) =>
    use(await findImage(files, select, platform)),
  );
}

/**
 * Imports all images of an archive, or of an OCI layout directory, under the names that
 * it gives them, as `docker load` does. One without a name is found by its ID.
 *
 * @param onImage called with each, as soon as it is there
 */
export async function loadDockerArchive(
  store: Store,
  path: string,
  options: ImportOptions,
  onImage: (image: ImportedImage) => void = () => undefined,
): Promise<readonly ImportedImage[]> {
  const absolute = resolve(path);
  const load = async (files: ImageFiles): Promise<readonly ImportedImage[]> => {
    const imported = new Map<string, ImportedImage>();
    for (const { source, descriptor, names } of await findImages(files)) {
      const image = await importImage(store, source, descriptor, names, options);
      // An image has an entry for each of its names.
      const before = imported.get(image.id)?.references ?? [];
      imported.set(image.id, { ...image, references: [...before, ...image.references] });
      onImage(image);
    }
    return [...imported.values()];
  };
  const isDirectory = (await stat(absolute).catch(() => undefined))?.isDirectory() === true;
  if (isDirectory) return load(directoryFiles(absolute));
  return withArchive(store, absolute, options, load);
}
