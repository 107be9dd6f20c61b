/**
 * An image's config: what its containers run, and which layers it is made of.
 *
 * Field names are those of the document, so that they can be looked up there.
 * @see https://github.com/opencontainers/image-spec/blob/main/config.md
 */
import {
  asObject,
  type JsonObject,
  type Place,
  parseObject,
  readArray,
  readBoolean,
  readCount,
  readObject,
  readSet,
  readString,
  readStringMap,
  readStrings,
  requireString,
  wrongField,
} from "./document.ts";
import { quote } from "./error.ts";
import { layersMax } from "./manifest.ts";
import { isDigest } from "./reference.ts";

/** Times in nanoseconds. */
export interface Healthcheck {
  readonly Test: readonly string[];
  readonly Interval: number | undefined;
  readonly Timeout: number | undefined;
  readonly StartPeriod: number | undefined;
  readonly StartInterval: number | undefined;
  readonly Retries: number | undefined;
}

/** What a container of the image starts with, unless its creator says otherwise. */
export interface ContainerDefaults {
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  /** `NAME=value` each. */
  readonly Env: readonly string[];
  /** `user`, `uid`, `user:group` or `uid:gid`; empty for root. */
  readonly User: string;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  /** Paths in the container. */
  readonly Volumes: readonly string[];
  /** `80/tcp` each. */
  readonly ExposedPorts: readonly string[];
  readonly StopSignal: string | undefined;
  readonly Healthcheck: Healthcheck | undefined;
}

export interface HistoryEntry {
  readonly created: string | undefined;
  readonly created_by: string | undefined;
  readonly author: string | undefined;
  readonly comment: string | undefined;
  readonly empty_layer: boolean;
}

export interface ImageConfig {
  readonly os: string;
  readonly architecture: string;
  readonly variant: string | undefined;
  /** RFC 3339, as the document has it. */
  readonly created: string | undefined;
  readonly author: string | undefined;
  readonly config: ContainerDefaults;
  /** Digests of the uncompressed layers, lowest first. */
  readonly rootfs: { readonly diff_ids: readonly string[] };
  readonly history: readonly HistoryEntry[];
}

function readHealthcheck(object: JsonObject, place: Place): Healthcheck | undefined {
  const check = readObject(object, "Healthcheck", place);
  if (check === undefined) return undefined;
  const at = { ...place, field: `${place.field}.Healthcheck` };
  return {
    Test: readStrings(check, "Test", at) ?? [],
    Interval: readCount(check, "Interval", at),
    Timeout: readCount(check, "Timeout", at),
    StartPeriod: readCount(check, "StartPeriod", at),
    StartInterval: readCount(check, "StartInterval", at),
    Retries: readCount(check, "Retries", at),
  };
}

function readDefaults(object: JsonObject, document: string): ContainerDefaults {
  const place: Place = { document, field: "config" };
  return {
    Entrypoint: readStrings(object, "Entrypoint", place) ?? [],
    Cmd: readStrings(object, "Cmd", place) ?? [],
    Env: readStrings(object, "Env", place) ?? [],
    User: readString(object, "User", place) ?? "",
    WorkingDir: readString(object, "WorkingDir", place) ?? "",
    Labels: readStringMap(object, "Labels", place) ?? {},
    Volumes: readSet(object, "Volumes", place) ?? [],
    ExposedPorts: readSet(object, "ExposedPorts", place) ?? [],
    StopSignal: readString(object, "StopSignal", place),
    Healthcheck: readHealthcheck(object, place),
  };
}

function readHistory(object: JsonObject, document: string): readonly HistoryEntry[] {
  const entries = readArray(object, "history", { document, field: "" }) ?? [];
  return entries.map((entry, i) => {
    const place = { document, field: `history[${i}]` };
    const item = asObject(entry, place);
    return {
      created: readString(item, "created", place),
      created_by: readString(item, "created_by", place),
      author: readString(item, "author", place),
      comment: readString(item, "comment", place),
      empty_layer: readBoolean(item, "empty_layer", place) ?? false,
    };
  });
}

function readDiffIds(object: JsonObject, document: string): readonly string[] {
  const place: Place = { document, field: "rootfs" };
  const rootfs = readObject(object, "rootfs", { document, field: "" });
  if (rootfs === undefined) throw wrongField(place, "is missing");
  const type = requireString(rootfs, "type", place);
  if (type !== "layers")
    throw wrongField(place, `has the type ${quote(type)} in place of "layers"`);
  const ids = readStrings(rootfs, "diff_ids", place) ?? [];
  if (ids.length > layersMax) throw wrongField(place, `has more than ${layersMax} diff_ids`);
  const wrong = ids.find((id) => !isDigest(id));
  if (wrong !== undefined) {
    throw wrongField(
      place,
      `has the diff_id ${quote(wrong)}, which is not sha256: and 64 hex digits`,
    );
  }
  return ids;
}

/**
 * Parses an image config.
 *
 * @param document its name in messages
 * @throws ImageError `invalid-image`, one line that names the field
 */
export function parseImageConfig(bytes: Uint8Array, document: string): ImageConfig {
  const place: Place = { document, field: "" };
  const object = parseObject(bytes, document);
  return {
    os: requireString(object, "os", place),
    architecture: requireString(object, "architecture", place),
    variant: readString(object, "variant", place),
    created: readString(object, "created", place),
    author: readString(object, "author", place),
    config: readDefaults(readObject(object, "config", place) ?? {}, document),
    rootfs: { diff_ids: readDiffIds(object, document) },
    history: readHistory(object, document),
  };
}
