/**
 * Manifests and indexes: the documents that say which blobs make an image.
 *
 * @see https://github.com/opencontainers/image-spec/blob/main/manifest.md
 * @see https://github.com/opencontainers/image-spec/blob/main/image-index.md
 */
import {
  asObject,
  type JsonObject,
  type Place,
  parseObject,
  readArray,
  readCount,
  readObject,
  readString,
  readStringMap,
  requireString,
  wrongField,
} from "./document.ts";
import { ImageError, quote } from "./error.ts";
import { isDigest } from "./reference.ts";

/** Bytes of a manifest, index or config that are read at most. */
export const documentBytesMax = 4 * 1024 * 1024;
/** What overlayfs mounts at most (the kernel's OVL_MAX_STACK). */
export const layersMax = 500;
const manifestsMax = 1000;

const manifestTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
]);
const indexTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
]);
const configTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.config.v1+json",
  "application/vnd.docker.container.image.v1+json",
]);
// The compression is told by the bytes, since more than one tool mislabels it.
const layerTypes: ReadonlySet<string> = new Set([
  "application/vnd.oci.image.layer.v1.tar",
  "application/vnd.oci.image.layer.v1.tar+gzip",
  "application/vnd.oci.image.layer.v1.tar+zstd",
  "application/vnd.docker.image.rootfs.diff.tar",
  "application/vnd.docker.image.rootfs.diff.tar.gzip",
  "application/vnd.docker.image.rootfs.diff.tar.zstd",
]);

export const ociManifestType = "application/vnd.oci.image.manifest.v1+json";
export const ociIndexType = "application/vnd.oci.image.index.v1+json";
export const ociConfigType = "application/vnd.oci.image.config.v1+json";
export const ociLayerType = "application/vnd.oci.image.layer.v1.tar";

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
}

/** A blob: what it is, and what its bytes must hash to. `size` in bytes. */
export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform?: Platform;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** An image for one platform. `layers` lowest first. */
export interface Manifest {
  readonly kind: "manifest";
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** A choice of manifests, usually one per platform. */
export interface Index {
  readonly kind: "index";
  readonly manifests: readonly Descriptor[];
}

export function isManifestType(mediaType: string): boolean {
  return manifestTypes.has(mediaType);
}

export function isIndexType(mediaType: string): boolean {
  return indexTypes.has(mediaType);
}

export function isConfigType(mediaType: string): boolean {
  return configTypes.has(mediaType);
}

/** Every kind of manifest and index, in the words of `Accept`. */
export const documentTypes: readonly string[] = [...manifestTypes, ...indexTypes];

function readPlatform(object: JsonObject, place: Place): Platform | undefined {
  const platform = readObject(object, "platform", place);
  if (platform === undefined) return undefined;
  const at = { ...place, field: `${place.field}.platform` };
  return {
    os: readString(platform, "os", at) ?? "",
    architecture: readString(platform, "architecture", at) ?? "",
    variant: readString(platform, "variant", at),
  };
}

/** Checks a descriptor: the digest is safe in a path afterwards. */
export function readDescriptor(value: unknown, place: Place): Descriptor {
  const object = asObject(value, place);
  const mediaType = requireString(object, "mediaType", place);
  const digest = requireString(object, "digest", place);
  const size = readCount(object, "size", place);
  if (!isDigest(digest)) {
    throw wrongField(
      place,
      `has the digest ${quote(digest)}, which is not sha256: and 64 hex digits`,
    );
  }
  if (size === undefined) throw wrongField(place, "has no size");
  const platform = readPlatform(object, place);
  const annotations = readStringMap(object, "annotations", place);
  return {
    mediaType,
    digest,
    size,
    ...(platform && { platform }),
    ...(annotations && { annotations }),
  };
}

function readDescriptors(
  object: JsonObject,
  key: string,
  max: number,
  place: Place,
): readonly Descriptor[] {
  const items = readArray(object, key, place) ?? [];
  if (items.length > max) throw wrongField({ ...place, field: key }, `has more than ${max} items`);
  return items.map((item, i) => readDescriptor(item, { ...place, field: `${key}[${i}]` }));
}

function checkManifest(manifest: Manifest, place: Place): Manifest {
  if (!configTypes.has(manifest.config.mediaType)) {
    const type = quote(manifest.config.mediaType);
    throw wrongField(place, `is not a container image: its config has the media type ${type}`);
  }
  if (manifest.config.size > documentBytesMax) {
    throw wrongField({ ...place, field: "config" }, `is larger than ${documentBytesMax} bytes`);
  }
  for (const [i, layer] of manifest.layers.entries()) {
    if (!layerTypes.has(layer.mediaType)) {
      const field = `layers[${i}]`;
      throw wrongField({ ...place, field }, `has the unknown media type ${quote(layer.mediaType)}`);
    }
  }
  return manifest;
}

/**
 * Parses a manifest or an index.
 *
 * @param mediaType what the descriptor that led here says it is
 * @param document its name in messages
 * @throws ImageError `invalid-image`
 */
export function parseManifest(
  bytes: Uint8Array,
  mediaType: string,
  document: string,
): Manifest | Index {
  const place: Place = { document, field: "" };
  if (!isManifestType(mediaType) && !isIndexType(mediaType)) {
    throw new ImageError(
      "invalid-image",
      `${document}: the media type ${quote(mediaType)} is neither a manifest's nor an index's`,
    );
  }
  const object = parseObject(bytes, document);
  const version = readCount(object, "schemaVersion", place);
  if (version !== 2) throw wrongField({ document, field: "schemaVersion" }, "must be 2");
  const own = readString(object, "mediaType", place);
  if (own !== undefined && own !== mediaType) {
    throw wrongField(
      { document, field: "mediaType" },
      `is ${quote(own)}, but it was referred to as ${quote(mediaType)}`,
    );
  }
  const isManifest = isManifestType(mediaType);
  // A document that is both is read differently by different programs (CVE-2021-41190).
  const foreign = (isManifest ? ["manifests"] : ["layers", "config"]).find((k) =>
    Object.hasOwn(object, k),
  );
  if (foreign !== undefined) {
    throw wrongField(
      place,
      `is ${isManifest ? "a manifest" : "an index"} and must not have ${foreign}`,
    );
  }
  if (!isManifest) {
    return { kind: "index", manifests: readDescriptors(object, "manifests", manifestsMax, place) };
  }
  const config = readDescriptor(readObject(object, "config", place), { document, field: "config" });
  const layers = readDescriptors(object, "layers", layersMax, place);
  return checkManifest({ kind: "manifest", config, layers }, place);
}
