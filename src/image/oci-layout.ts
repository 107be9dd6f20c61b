/**
 * Imports from an OCI image layout, in a directory or in a tar.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/image-layout.md
 */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { ImageFiles } from "./archive-files.ts";
import { type BlobSource, gather, readFileInChunks } from "./blob-source.ts";
import { parseObject, requireString } from "./document.ts";
import { refuseDuplicateKeys } from "./duplicate-key.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { type ImportedImage, type ImportOptions, importImage } from "./image-import.ts";
import {
  type Descriptor,
  documentBytesMax,
  ociIndexType,
  type Platform,
  parseManifest,
} from "./manifest.ts";
import { platformOf, selectPlatform } from "./platform.ts";
import { fileReferenceName, parseReference } from "./reference.ts";
import type { Store } from "./store.ts";

export const refNameAnnotation = "org.opencontainers.image.ref.name";
/** Where docker and containerd keep the whole reference, when the other has only the tag. */
export const imageNameAnnotation = "io.containerd.image.name";

/** A choice of one image in a layout. */
export interface LayoutImage {
  readonly descriptor: Descriptor;
  /** What the layout calls it; several images may have no name. */
  readonly names: readonly string[];
}

export function blobSourceOf(files: ImageFiles): BlobSource {
  return {
    name: files.name,
    open: ({ digest }) => files.open(`blobs/sha256/${digest.slice("sha256:".length)}`),
  };
}

/** The files of a directory. */
export function directoryFiles(directory: string): ImageFiles {
  return {
    name: quote(directory),
    async has(path) {
      try {
        return (await stat(`${directory}/${path}`)).isFile();
      } catch (error) {
        if (codeOf(error) === "ENOENT" || codeOf(error) === "ENOTDIR") return false;
        throw error;
      }
    },
    size: async (path) => (await stat(`${directory}/${path}`)).size,
    open: (path) => readFileInChunks(`${directory}/${path}`),
  };
}

/** Reads the layout's index: the images it offers. */
export async function readLayout(files: ImageFiles): Promise<readonly LayoutImage[]> {
  if (!(await files.has("oci-layout")) || !(await files.has("index.json"))) {
    throw new ImageError(
      "not-found",
      `${files.name} is no OCI layout: it lacks oci-layout or index.json`,
    );
  }
  const read = (path: string) =>
    gather(files.open(path), documentBytesMax, `${path} of ${files.name}`);
  const about = `oci-layout of ${files.name}`;
  const version = requireString(
    parseObject(await read("oci-layout"), about),
    "imageLayoutVersion",
    {
      document: about,
      field: "",
    },
  );
  if (!version.startsWith("1.")) {
    throw new ImageError("unsupported", `${about} has the version ${quote(version)}; 1.x is known`);
  }
  const bytes = await read("index.json");
  const what = `index.json of ${files.name}`;
  refuseDuplicateKeys(bytes.toString("utf8"), what);
  const index = parseManifest(bytes, ociIndexType, what);
  const descriptors = index.kind === "index" ? index.manifests : [];
  return descriptors.map((descriptor) => ({
    descriptor,
    names: [
      descriptor.annotations?.[imageNameAnnotation],
      descriptor.annotations?.[refNameAnnotation],
    ].filter((name) => name !== undefined),
  }));
}

function matches(image: LayoutImage, select: string): boolean {
  if (image.names.includes(select) || image.descriptor.digest === select) return true;
  return normalForms(image).includes(normalForm(select) ?? select);
}

function normalForm(name: string): string | undefined {
  try {
    const reference = parseReference(name);
    return reference.transport === "registry" ? reference.name : undefined;
  } catch {
    return undefined;
  }
}

/** The registry references that a layout's names are. A bare tag such as "latest" is none. */
export function normalForms(image: LayoutImage): readonly string[] {
  return image.names.filter((name) => /[/:@]/.test(name)).flatMap((name) => normalForm(name) ?? []);
}

/** Picks the image that was asked for, or the only one there is. */
export function selectImage(
  images: readonly LayoutImage[],
  select: string | undefined,
  files: ImageFiles,
  platform: Platform,
): LayoutImage {
  const fitting = select === undefined ? images : images.filter((image) => matches(image, select));
  const [first] = fitting;
  const isOne = new Set(fitting.map((image) => image.descriptor.digest)).size === 1;
  if (first !== undefined && isOne) return first;
  // One name and a manifest per platform: what other layouts have in an index of their own.
  const isPerPlatform =
    fitting.every((image) => image.descriptor.platform !== undefined) &&
    new Set(fitting.map((image) => image.names.join("\n"))).size === 1;
  if (first !== undefined && isPerPlatform) {
    const descriptors = fitting.map((image) => image.descriptor);
    return { ...first, descriptor: selectPlatform(descriptors, platform, files.name) };
  }
  const offered = images.flatMap((image) => image.names.slice(0, 1)).map(quote);
  const list =
    offered.length > 0 ? `its images are ${offered.join(", ")}` : "its images have no names";
  if (select !== undefined) {
    const many = fitting.length === 0 ? "no image" : "more than one image";
    throw new ImageError("not-found", `${files.name} has ${many} ${quote(select)}: ${list}`);
  }
  const why = images.length === 0 ? "is empty" : `has ${images.length} images, say which: ${list}`;
  throw new ImageError("not-found", `${files.name} ${why}`);
}

/** Options of an import of one image that lies in files. */
export interface FileImportOptions extends ImportOptions {
  /** Which image, as its container or a registry reference calls it; needed when there are several. */
  readonly select?: string;
  /** The normal form to keep it under; the way it was reached unless given. */
  readonly name?: string;
}

/**
 * Imports an image from a layout directory. Unless told otherwise it can then be
 * found as `oci:DIR[:SELECT]` with the directory's absolute path. What the layout
 * calls it is not heeded: it must not take the place of another image.
 */
export async function importOciLayout(
  store: Store,
  directory: string,
  options: FileImportOptions,
): Promise<ImportedImage> {
  const absolute = resolve(directory);
  const files = directoryFiles(absolute);
  const platform = options.platform ?? platformOf(process.arch);
  const image = selectImage(await readLayout(files), options.select, files, platform);
  const name = options.name ?? fileReferenceName("oci", absolute, options.select);
  return importImage(store, blobSourceOf(files), image.descriptor, [name], options);
}
