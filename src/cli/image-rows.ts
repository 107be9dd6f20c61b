/** The rows of `pivot images`: one for each name of each image. */

import type { ImageConfig } from "../image/config.ts";
import { splitName } from "../image/familiar.ts";
import {
  configOf,
  createdTime,
  layerSizes,
  listImages,
  type StoredImage,
} from "../image/images.ts";
import type { Store } from "../image/store.ts";
import { ago, humanSize, shortId } from "./human.ts";
import type { Column } from "./output.ts";

export type ImageRow = {
  readonly id: string;
  readonly repository: string;
  readonly tag: string;
  readonly digest: string;
  /** The normal form; undefined for a dangling image. */
  readonly reference: string | undefined;
  /** Milliseconds since 1970. */
  readonly created: number | undefined;
  /** Bytes of its layers' files. */
  readonly size: number;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: StoredImage;
};

const none = "<none>";

/** The config, unless it is damaged: a list shows what it can, and `system check` tells. */
async function readConfig(store: Store, id: string): Promise<ImageConfig | undefined> {
  return configOf(store, id).then(
    ({ config }) => config,
    () => undefined,
  );
}

async function rowsOf(store: Store, image: StoredImage): Promise<readonly ImageRow[]> {
  const [config, sizes] = await Promise.all([
    readConfig(store, image.id),
    layerSizes(store, image),
  ]);
  const shared = {
    id: image.id,
    created: config && createdTime(config),
    size: sizes.reduce((sum, bytes) => sum + bytes, 0),
    labels: config?.config.Labels ?? {},
    image,
  };
  if (image.references.length === 0) {
    const digest = image.entries[0]?.manifest.digest ?? none;
    return [{ ...shared, repository: none, tag: none, digest, reference: undefined }];
  }
  return image.references.map((reference) => {
    const { repository, tag } = splitName(reference);
    const digest = image.digests.get(reference) ?? none;
    return { ...shared, repository, tag: tag ?? none, digest, reference };
  });
}

/** All rows, the newest image first, as docker has them. */
export async function imageRows(store: Store): Promise<readonly ImageRow[]> {
  const images = await listImages(store);
  const rows = (await Promise.all(images.map((image) => rowsOf(store, image)))).flat();
  return rows.sort(
    (a, b) =>
      (b.created ?? 0) - (a.created ?? 0) ||
      (a.repository < b.repository ? -1 : a.repository > b.repository ? 1 : 0) ||
      (a.tag < b.tag ? -1 : 1),
  );
}

/** "2024-01-31 12:00:00 +0000 UTC", as Go prints a time. */
export const goTime = (time: number | undefined): string =>
  time === undefined
    ? "N/A"
    : `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} +0000 UTC`;

const since = (time: number | undefined): string => (time === undefined ? "N/A" : ago(time));

/** Docker's columns; DIGEST only when it was asked for. */
export function imageColumns(withDigests: boolean): readonly Column<ImageRow>[] {
  const size = (row: ImageRow): string => humanSize(row.size, 3);
  const notKnown = (): string => "N/A";
  return [
    { name: "Repository", header: "REPOSITORY", value: (row) => row.repository },
    { name: "Tag", header: "TAG", value: (row) => row.tag },
    { name: "Digest", header: "DIGEST", value: (row) => row.digest, hidden: !withDigests },
    {
      name: "ID",
      header: "IMAGE ID",
      value: (row, { noTrunc }) => (noTrunc ? row.id : shortId(row.id)),
      quiet: true,
    },
    { name: "CreatedSince", header: "CREATED", value: (row) => since(row.created) },
    { name: "CreatedAt", header: "CREATED AT", value: (row) => goTime(row.created), hidden: true },
    { name: "Size", header: "SIZE", value: size },
    { name: "VirtualSize", header: "SIZE", value: size, hidden: true },
    { name: "SharedSize", header: "SHARED SIZE", value: notKnown, hidden: true },
    { name: "UniqueSize", header: "UNIQUE SIZE", value: notKnown, hidden: true },
    { name: "Containers", header: "CONTAINERS", value: notKnown, hidden: true },
  ];
}
