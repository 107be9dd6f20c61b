/** What is known of an image, in the shape of docker's `image inspect`. */
import type { JsonObject } from "./document.ts";
import { familiarName, repoDigests, splitName } from "./familiar.ts";
import { configOf, layerSizes, type StoredImage } from "./images.ts";
import { layerPath, type Store } from "./store.ts";

const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** Go's encoders leave these out, or write null, when they are empty: the document's own is kept. */
function configDocument(document: JsonObject): JsonObject {
  const config = document["config"];
  const given = typeof config === "object" && config !== null ? (config as JsonObject) : {};
  const defaults = {
    User: "",
    Env: null,
    Cmd: null,
    WorkingDir: "",
    Entrypoint: null,
    Labels: null,
  };
  return { ...defaults, ...given };
}

function overlayData(store: Store, chainIds: readonly string[]): JsonObject {
  const paths = chainIds.map((id) => layerPath(store, id)).toReversed();
  const [upper, ...lower] = paths;
  return {
    ...(lower.length > 0 ? { LowerDir: lower.join(":") } : {}),
    ...(upper === undefined ? {} : { UpperDir: upper }),
  };
}

/**
 * The document of one image. Field names are docker's.
 *
 * @throws ImageError when the config is damaged
 */
export async function inspectImage(store: Store, image: StoredImage): Promise<JsonObject> {
  const { config, document } = await configOf(store, image.id);
  const sizes = await layerSizes(store, image);
  const entry = image.entries[0];
  const history = config.history.at(-1);
  return {
    Id: image.id,
    RepoTags: image.references
      .filter((name) => splitName(name).digest === undefined)
      .map(familiarName),
    RepoDigests: repoDigests(image.digests),
    Parent: "",
    Comment: history?.comment ?? "",
    Created: config.created ?? "",
    DockerVersion: text(document["docker_version"]),
    Author: config.author ?? "",
    Config: configDocument(document),
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: sizes.reduce((sum, bytes) => sum + bytes, 0),
    GraphDriver: { Data: overlayData(store, entry?.chainIds ?? []), Name: "overlay" },
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: "0001-01-01T00:00:00Z" },
    ...(entry === undefined ? {} : { Descriptor: { ...entry.manifest } }),
  };
}
