/**
 * What the engine's data take on the disk. A layer that several images share, and a file that has
 * several names, count once.
 */

import { readFileSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { DiskUsage } from "../host/disk-usage.ts";
import { listIfThere } from "../host/list-if-there.ts";
import {
  closureOf,
  configOf,
  createdTime,
  isDamage,
  listImages,
  type StoredImage,
} from "../image/images.ts";
import { layerSize } from "../image/layer-size.ts";
import { isHex } from "../image/reference.ts";
import { blobPath, openStore, type Store } from "../image/store.ts";
import { isUsing, layersInUse } from "./layers-in-use.ts";
import { type Container, isAlive, listContainers } from "./status.ts";

/** Of one kind, in bytes. */
export type UsageSum = {
  readonly total: number;
  /** How many are in use. */
  readonly active: number;
  readonly bytes: number;
  /** What removing all that is not in use would give back. */
  readonly reclaimable: number;
};

export type ImageUsage = {
  readonly image: StoredImage;
  /** Milliseconds since 1970; undefined: it does not say. */
  readonly created: number | undefined;
  /** Of its layers' files. */
  readonly bytes: number;
  /** Of those, what other images have too. */
  readonly shared: number;
  /** How many containers were made from it. */
  readonly containers: number;
};

export type ContainerUsage = { readonly container: Container; readonly bytes: number };

export type VolumeUsage = {
  readonly name: string;
  /** How many containers have it. */
  readonly links: number;
  readonly bytes: number;
};

export type Usage = {
  readonly images: UsageSum & { readonly items: readonly ImageUsage[] };
  readonly containers: UsageSum & { readonly items: readonly ContainerUsage[] };
  readonly volumes: UsageSum & { readonly items: readonly VolumeUsage[] };
  readonly buildCache: UsageSum;
};

const isKey = (name: string): boolean => name.length === 64 && isHex(name);

/** Bytes of every blob and layer of the store, by its key: also of what no image needs. */
async function objectSizes(store: Store, disk: DiskUsage): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>();
  for (const hex of listIfThere(`${store.root}/blobs/sha256`).filter(isKey)) {
    const digest = `sha256:${hex}`;
    sizes.set(digest, disk.below(blobPath(store, digest)));
  }
  for (const chainId of listIfThere(`${store.root}/layers`).filter(isKey)) {
    sizes.set(chainId, (await layerSize(store, chainId)) ?? 0);
  }
  return sizes;
}

/** All that an image needs; of a damaged one, what is known. */
async function objectsOf(store: Store, image: StoredImage): Promise<readonly string[]> {
  try {
    return await closureOf(store, image);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return image.entries.flatMap(({ chainIds }) => chainIds);
  }
}

async function readCreated(store: Store, id: string): Promise<number | undefined> {
  try {
    return createdTime((await configOf(store, id)).config);
  } catch (error) {
    if (!isDamage(error)) throw error;
    return undefined;
  }
}

const chainIdsOf = ({ entries }: StoredImage): readonly string[] => entries[0]?.chainIds ?? [];

async function imageUsage(roots: Roots, disk: DiskUsage): Promise<Usage["images"]> {
  const store = openStore(roots.dataRoot);
  const [images, uses] = [await listImages(store), await layersInUse(roots)];
  const sizes = await objectSizes(store, disk);
  const sum = (keys: Iterable<string>): number =>
    [...keys].reduce((bytes, key) => bytes + (sizes.get(key) ?? 0), 0);
  const owners = new Map<string, number>();
  for (const chainId of images.flatMap((image) => [...new Set(chainIdsOf(image))])) {
    owners.set(chainId, (owners.get(chainId) ?? 0) + 1);
  }
  const items: ImageUsage[] = [];
  // Layers stay for a container even when their image is gone.
  const needed = new Set(uses.flatMap(({ layers }) => layers));
  for (const image of images) {
    const chainIds = chainIdsOf(image);
    const containers = uses.filter((use) => isUsing(use, { id: image.id, chainIds })).length;
    if (containers > 0) for (const key of await objectsOf(store, image)) needed.add(key);
    items.push({
      image,
      created: await readCreated(store, image.id),
      bytes: sum(chainIds),
      shared: sum(chainIds.filter((id) => (owners.get(id) ?? 0) > 1)),
      containers,
    });
  }
  const bytes = sum(sizes.keys());
  return {
    total: items.length,
    active: items.filter(({ containers }) => containers > 0).length,
    bytes,
    reclaimable: bytes - sum(needed),
    items,
  };
}

function containerUsage(
  { dataRoot }: Roots,
  all: readonly Container[],
  disk: DiskUsage,
): Usage["containers"] {
  const items = all.map((container) => ({
    container,
    bytes: disk.below(`${dataRoot}/containers/${container.id}`),
  }));
  const sum = (of: readonly ContainerUsage[]): number =>
    of.reduce((bytes, each) => bytes + each.bytes, 0);
  const running = items.filter(({ container }) => isAlive(container));
  return {
    total: items.length,
    active: running.length,
    bytes: sum(items),
    reclaimable: sum(items) - sum(running),
    items,
  };
}

function volumeUsage(
  { dataRoot }: Roots,
  all: readonly Container[],
  disk: DiskUsage,
): Usage["volumes"] {
  const items = listIfThere(`${dataRoot}/volumes`)
    .filter((name) => !name.startsWith("."))
    .sort()
    .map((name) => ({
      name,
      links: all.filter(({ record }) => record.mounts.some(({ volume }) => volume === name)).length,
      bytes: disk.below(`${dataRoot}/volumes/${name}`),
    }));
  const bytes = items.reduce((sum, each) => sum + each.bytes, 0);
  const used = items.filter(({ links }) => links > 0);
  return {
    total: items.length,
    active: used.length,
    bytes,
    reclaimable: bytes - used.reduce((sum, each) => sum + each.bytes, 0),
    items,
  };
}

/** Where the builder keeps what it has built: below the engine's data. */
export const buildDirectory = ({ dataRoot }: Pick<Roots, "dataRoot">): string =>
  `${dataRoot}/build`;

/** How many layers containers/storage has there, by its own list. */
function countBuildLayers(storage: string): number {
  return listIfThere(storage)
    .filter((name) => name.endsWith("-layers"))
    .reduce((sum, name) => {
      try {
        const layers: unknown = JSON.parse(readFileSync(`${storage}/${name}/layers.json`, "utf8"));
        return sum + (Array.isArray(layers) ? layers.length : 0);
      } catch {
        return sum; // none yet, or being written
      }
    }, 0);
}

function buildCacheUsage(roots: Roots, disk: DiskUsage): UsageSum {
  const bytes = disk.below(buildDirectory(roots));
  const total = countBuildLayers(`${buildDirectory(roots)}/storage`);
  return { total, active: 0, bytes, reclaimable: bytes };
}

/** @param onFiles told now and then how many files were looked at: it may take a while */
export async function readUsage(roots: Roots, onFiles?: (files: number) => void): Promise<Usage> {
  const disk = new DiskUsage(onFiles);
  const all = await listContainers(roots);
  return {
    images: await imageUsage(roots, disk),
    containers: containerUsage(roots, all, disk),
    volumes: volumeUsage(roots, all, disk),
    buildCache: buildCacheUsage(roots, disk),
  };
}
