/** The documents of a committed image: its config and its manifest. No input or output. */

import type { Described } from "../container/record.ts";
import { applyChanges, type ConfigDocument } from "../image/change.ts";
import type { JsonObject } from "../image/document.ts";
import {
  type Descriptor,
  ociConfigType,
  ociLayerType,
  ociManifestType,
  type Platform,
} from "../image/manifest.ts";

export type CommitWords = {
  readonly author: string;
  readonly message: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
};

/** What the image is made from: the container's image, or nothing for a root that is a directory. */
export type Base = {
  readonly config: JsonObject;
  readonly layers: readonly Descriptor[];
};

export const emptyBase = ({ architecture, os, variant }: Platform): Base => ({
  config: { architecture, os, ...(variant === undefined ? {} : { variant }) },
  layers: [],
});

const objectOf = (value: unknown): JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/** The image's variables, and over them what `run -e` said. */
function environment(
  base: ConfigDocument,
  env: Readonly<Record<string, string | null>>,
): readonly string[] {
  const given = Object.entries(env);
  const names = new Set(given.map(([name]) => name));
  const kept = (base.Env ?? []).filter((entry) => !names.has(entry.slice(0, entry.indexOf("="))));
  return [
    ...kept,
    ...given.flatMap(([name, value]) => (value === null ? [] : [`${name}=${value}`])),
  ];
}

/** What the container runs, as docker would have it in an image (moby, daemon/commit.go). */
function commandOf(
  base: ConfigDocument,
  { options, command }: Pick<Described, "options" | "command">,
): Pick<ConfigDocument, "Entrypoint" | "Cmd"> {
  const given = command !== null && command.length > 0 ? command : null;
  const { entrypoint } = options;
  if (entrypoint === undefined) {
    return { Entrypoint: base.Entrypoint ?? null, Cmd: given ?? base.Cmd ?? null };
  }
  if (entrypoint.length === 0) return { Entrypoint: null, Cmd: given ?? base.Cmd ?? null };
  const isNone = entrypoint.length === 1 && entrypoint[0] === "";
  return { Entrypoint: isNone ? null : entrypoint, Cmd: given };
}

/** The container's own settings, as those of an image. */
function settingsOf(base: ConfigDocument, record: Described): ConfigDocument {
  const { options, labels } = record;
  return {
    ...base,
    ...commandOf(base, record),
    Env: environment(base, options.env ?? {}),
    Labels: { ...base.Labels, ...labels },
    ...(options.user === undefined ? {} : { User: options.user }),
    ...(options.workdir === undefined ? {} : { WorkingDir: options.workdir }),
    ...(options.stopSignal === undefined ? {} : { StopSignal: String(options.stopSignal) }),
  };
}

/**
 * The config of an image made of a container.
 *
 * @param now RFC 3339
 * @throws ImageError `unsupported` when a change makes no sense
 */
export function commitConfig(
  base: Base,
  record: Described,
  diffId: string,
  words: CommitWords,
  now: string,
): JsonObject {
  const settings = settingsOf(objectOf(base.config["config"]) as ConfigDocument, record);
  const rootfs = objectOf(base.config["rootfs"]);
  const { author: _, ...rest } = base.config;
  return {
    ...rest,
    created: now,
    ...(words.author === "" ? {} : { author: words.author }),
    config: applyChanges(settings, words.changes),
    rootfs: { type: "layers", diff_ids: [...listOf(rootfs["diff_ids"]), diffId] },
    history: [
      ...listOf(base.config["history"]),
      {
        created: now,
        created_by: record.args.join(" "),
        ...(words.author === "" ? {} : { author: words.author }),
        ...(words.message === "" ? {} : { comment: words.message }),
      },
    ],
  };
}

/** Docker's media types in OCI's words: a manifest of the one kind lists none of the other. */
const ociLayer = ({ mediaType, digest, size }: Descriptor): Descriptor => {
  const compression = /(gzip|zstd)$/.exec(mediaType)?.[1];
  return {
    mediaType: compression === undefined ? ociLayerType : `${ociLayerType}+${compression}`,
    digest,
    size,
  };
};

export const commitManifest = (
  base: Base,
  config: Pick<Descriptor, "digest" | "size">,
  layer: Pick<Descriptor, "digest" | "size">,
): JsonObject => ({
  schemaVersion: 2,
  mediaType: ociManifestType,
  config: { mediaType: ociConfigType, ...config },
  layers: [...base.layers.map(ociLayer), { mediaType: `${ociLayerType}+gzip`, ...layer }],
});
