/**
 * Writes images out as they are, blob by blob: into an OCI layout, as a directory or in a
 * tar, and into an archive as `docker save` makes it, which is such a tar with a
 * manifest.json beside. Nothing is compressed or uncompressed on the way, so digests stay;
 * every blob is hashed as it passes, so that a damaged store is noticed here and not there.
 */
import { createHash } from "node:crypto";
import type { BlobSource } from "./blob-source.ts";
import { ImageError } from "./error.ts";
import { familiarName, splitName } from "./familiar.ts";
import { findManifest } from "./image-import.ts";
import { type Descriptor, type Manifest, ociIndexType, type Platform } from "./manifest.ts";
import { imageNameAnnotation, refNameAnnotation } from "./oci-layout.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";

/** An image to write out. */
export interface Outgoing {
  readonly source: BlobSource;
  /** Of its manifest, not of an index. */
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
  /** Normal forms of registry references that it shall have there. */
  readonly names: readonly string[];
  /** What a layout shall call it instead: `oci:DIR:REF`. */
  readonly refName?: string;
}

/** Reads what has to be known of an image before it is written out. */
export async function prepareOutgoing(
  source: BlobSource,
  descriptor: Descriptor,
  platform: Platform,
  names: readonly string[],
  refName?: string,
): Promise<Outgoing> {
  const found = await findManifest(source, descriptor, platform);
  const named = refName === undefined ? {} : { refName };
  return { source, descriptor: found.descriptor, manifest: found.manifest, names, ...named };
}

/** Takes files, each of a known size and once only. */
export interface FileSink {
  /** Whether a blob is there already, and need not be written. */
  has(path: string): boolean;
  put(path: string, size: number, content: AsyncIterable<Buffer>): Promise<void>;
}

export const blobFile = (digest: string): string =>
  `blobs/sha256/${digest.slice("sha256:".length)}`;

/** The bytes of a blob; a wrong one ends in an error and not in a complete file. */
async function* checked(source: BlobSource, descriptor: Descriptor): AsyncGenerator<Buffer> {
  const { digest, size } = descriptor;
  const hash = createHash("sha256");
  let done = 0;
  for await (const chunk of source.open(descriptor)) {
    hash.update(chunk);
    done += chunk.length;
    if (done <= size) yield chunk;
  }
  if (done !== size || `sha256:${hash.digest("hex")}` !== digest) {
    throw new ImageError(
      "digest-mismatch",
      `blob ${digest} of ${source.name} is damaged: \`pivot system check --repair\` says what can be done`,
    );
  }
}

async function* of(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}

export const putBytes = (sink: FileSink, path: string, bytes: Buffer): Promise<void> =>
  sink.put(path, bytes.length, of(bytes));

/** Writes an image's blobs, those that are not there yet. */
export async function putBlobs(sink: FileSink, image: Outgoing): Promise<void> {
  const { source, descriptor, manifest } = image;
  for (const each of [...manifest.layers, manifest.config, descriptor]) {
    const path = blobFile(each.digest);
    if (!sink.has(path)) await sink.put(path, each.size, checked(source, each));
  }
}

/** What a layout's index says of an image: an entry for each of its names. */
export function indexEntries({ descriptor, names, refName }: Outgoing): readonly object[] {
  const { mediaType, digest, size } = descriptor;
  const entry = { mediaType, digest, size };
  if (refName !== undefined) {
    return [{ ...entry, annotations: { [refNameAnnotation]: refName } }];
  }
  if (names.length === 0) return [entry];
  return names.map((name) => ({
    ...entry,
    annotations: {
      [imageNameAnnotation]: name,
      [refNameAnnotation]: splitName(name).tag ?? name,
    },
  }));
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));

export const layoutVersion = json({ imageLayoutVersion: "1.0.0" });

export const indexDocument = (manifests: readonly object[]): Buffer =>
  json({ schemaVersion: 2, mediaType: ociIndexType, manifests });

/** docker's list of the images in an archive. */
function manifestJson(images: readonly Outgoing[]): Buffer {
  return json(
    images.map(({ manifest, names }) => ({
      Config: blobFile(manifest.config.digest),
      RepoTags: names.length === 0 ? null : names.map(familiarName),
      Layers: manifest.layers.map(({ digest }) => blobFile(digest)),
    })),
  );
}

/** Where the bytes of an archive go. */
export type Write = (bytes: Buffer) => Promise<void>;

/** Files as entries of a tar whose bytes depend on nothing but the images. */
function tarSink(write: Write): FileSink {
  const written = new Set<string>();
  return {
    has: (path) => written.has(path),
    async put(path, size, content) {
      written.add(path);
      await write(tarHeader({ name: path, mode: 0o644 }, size));
      for await (const chunk of content) await write(chunk);
      await write(tarPadding(size));
    },
  };
}

/** Writes an archive of images. */
export async function writeArchive(
  images: readonly Outgoing[],
  kind: "docker-archive" | "oci-archive",
  write: Write,
): Promise<void> {
  const sink = tarSink(write);
  await putBytes(sink, "oci-layout", layoutVersion);
  await putBytes(sink, "index.json", indexDocument(images.flatMap(indexEntries)));
  if (kind === "docker-archive") await putBytes(sink, "manifest.json", manifestJson(images));
  for (const image of images) await putBlobs(sink, image);
  await write(tarEnd());
}
