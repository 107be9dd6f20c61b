/**
 * Proves that the store is sound, and mends what is not: every reference and record leads
 * to an image that is complete, every blob has the bytes of its name, every layer is what
 * its blob unpacks to, and nothing is left of processes that are gone.
 *
 * Nobody removes anything that is checked meanwhile (hold.ts).
 */
import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { hasBlob, prepareStore } from "./blob.ts";
import { readFileInChunks } from "./blob-source.ts";
import { collectGarbage, findGarbage } from "./collect.ts";
import { compareTrees } from "./compare-trees.ts";
import { defaultLimits } from "./decompress.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { familiarName } from "./familiar.ts";
import { whileHeld } from "./hold.ts";
import { digestOfFile, repairImage } from "./image-import.ts";
import {
  closureOf,
  configOf,
  isDamage,
  listImages,
  manifestOf,
  type StoredImage,
  shortId,
} from "./images.ts";
import { unpackAside } from "./layer.ts";
import type { Manifest } from "./manifest.ts";
import {
  entryOf,
  type ImageEntry,
  listIds,
  listReferenceNames,
  removeReference,
  writeRecord,
} from "./names.ts";
import { isHex } from "./reference.ts";
import { doomLayers, neededObjects, type RemoveOptions } from "./remove-image.ts";
import { blobPath, layerPath, readReference, type Store } from "./store.ts";
import { removeTrees } from "./unpack.ts";

/** Something that is not as it should be. */
export interface Finding {
  /** One line: what is wrong, and with what. */
  readonly problem: string;
  /** What was done, or is to be done, about it. */
  readonly remedy: string;
  /** Whether it is as it should be now. */
  readonly isMended: boolean;
}

export interface CheckOptions extends RemoveOptions {
  readonly repair: boolean;
  readonly onFinding: (finding: Finding) => void;
  /** Called with what is looked at next: a long check should not look like a stuck one. */
  readonly onLook?: (what: string) => void;
}

export interface CheckedStore {
  readonly blobs: number;
  readonly layers: number;
  readonly images: number;
}

class Check {
  readonly #store: Store;
  readonly #options: CheckOptions;
  /** Digests of blobs that are not what their names say. */
  readonly #damaged = new Set<string>();

  constructor(store: Store, options: CheckOptions) {
    this.#store = store;
    this.#options = options;
  }

  /** Tells of a problem, and mends it if that is wanted. */
  async #find(problem: string, remedy: string, mend?: () => Promise<unknown>): Promise<void> {
    const { repair, onFinding } = this.#options;
    if (mend === undefined) return onFinding({ problem, remedy, isMended: false });
    if (!repair) {
      return onFinding({ problem, remedy: `with --repair: ${remedy}`, isMended: false });
    }
    try {
      await mend();
      onFinding({ problem, remedy, isMended: true });
    } catch (error) {
      if (!(error instanceof ImageError) && codeOf(error) === undefined) throw error;
      const why = error instanceof Error ? error.message : String(error);
      onFinding({ problem, remedy: `could not: ${remedy}: ${why}`, isMended: false });
    }
  }

  /** Every reference and record can be read, and every image has its record. */
  async names(): Promise<void> {
    const store = this.#store;
    for (const name of [...(await listReferenceNames(store)), ...(await listIds(store))]) {
      let entry: ImageEntry | undefined;
      try {
        const descriptor = readReference(store, name);
        if (descriptor === undefined) continue; // gone meanwhile
        entry = entryOf(descriptor);
      } catch (error) {
        if (!isDamage(error)) throw error;
      }
      const isRecord = name.startsWith("sha256:");
      if (entry === undefined || (isRecord && entry.config !== name)) {
        const what = isRecord ? `the record of image ${shortId(name)}` : `reference ${quote(name)}`;
        const again = isRecord ? "" : ": pull or import it again";
        await this.#find(`${what} cannot be read`, `remove it${again}`, () =>
          removeReference(store, name),
        );
      }
    }
    const recorded = new Set(await listIds(store));
    for (const { id, entries } of await listImages(store)) {
      const [entry] = entries;
      if (recorded.has(id) || entry === undefined) continue;
      await this.#find(`image ${shortId(id)} has no record`, "write it", () =>
        writeRecord(store, entry),
      );
    }
  }

  /** Every blob hashes to its name. @returns how many there are */
  async blobs(): Promise<number> {
    const store = this.#store;
    const names = await readdir(`${store.root}/blobs/sha256`);
    const blobs = names.filter((name) => name.length === 64 && isHex(name)).sort();
    for (const hex of blobs) {
      const digest = `sha256:${hex}`;
      this.#options.onLook?.(`blob ${digest}`);
      const path = blobPath(store, digest);
      let found: string;
      try {
        found = await digestOfFile(path);
      } catch (error) {
        if (error instanceof ImageError && error.code === "not-found") continue; // gone meanwhile
        found = "nothing";
      }
      if (found === digest) continue;
      this.#damaged.add(digest);
      await this.#find(`blob ${digest} is damaged: it hashes to ${found}`, "remove it", () =>
        rm(path, { recursive: true }),
      );
    }
    return blobs.length;
  }

  /** Every image can be used, or goes. */
  async images(): Promise<number> {
    const images = await listImages(this.#store);
    for (const image of images) await this.#image(image);
    return images.length;
  }

  async #image(image: StoredImage): Promise<void> {
    const store = this.#store;
    const called = image.references.map(familiarName).join(", ") || shortId(image.id);
    this.#options.onLook?.(`image ${called}`);
    for (const entry of image.entries) {
      let manifest: Manifest;
      try {
        await configOf(store, image.id);
        manifest = await manifestOf(store, entry);
      } catch (error) {
        if (!isDamage(error)) throw error;
        const why = error instanceof Error ? error.message : String(error);
        await this.#find(
          `image ${called} cannot be used: ${why}`,
          `remove its names: pull or import it again`,
          () => this.#forget(image, entry),
        );
        continue;
      }
      await this.#layers(image, entry, manifest, called);
    }
  }

  /** Takes away whatever leads to an entry that cannot be used. */
  async #forget(image: StoredImage, entry: ImageEntry): Promise<void> {
    const { digest } = entry.manifest;
    for (const [name, its] of image.digests) {
      if (its === digest) await removeReference(this.#store, name);
    }
    const record = readReference(this.#store, image.id);
    if (record === undefined || record.digest === digest) {
      await removeReference(this.#store, image.id);
    }
  }

  readonly #seen = new Set<string>();

  async #layers(
    image: StoredImage,
    entry: ImageEntry,
    manifest: Manifest,
    called: string,
  ): Promise<void> {
    const store = this.#store;
    const { config } = await configOf(store, image.id);
    const count = manifest.layers.length;
    for (const [i, descriptor] of manifest.layers.entries()) {
      const chainId = entry.chainIds[i] ?? "";
      const what = `layer ${i + 1} of ${count} of image ${called}`;
      const isBlobSound =
        !this.#damaged.has(descriptor.digest) && (await hasBlob(store, descriptor));
      const entries = await readdir(layerPath(store, chainId)).catch(() => undefined);
      const isThere = entries !== undefined;
      if (!isBlobSound && isThere) {
        await this.#find(
          `${what} has lost its blob ${descriptor.digest}`,
          `the image runs, but cannot be saved or pushed: pull or import it again`,
        );
      } else if (!isBlobSound) {
        await this.#find(
          `${what} is missing, and so is its blob`,
          "remove the image's names: pull or import it again",
          () => this.#forget(image, entry),
        );
        return;
      } else if (!isThere) {
        await this.#find(`${what} is missing`, "unpack it again", () =>
          repairImage(store, image.id, this.#options),
        );
      } else if (!this.#seen.has(chainId)) {
        this.#seen.add(chainId);
        this.#options.onLook?.(what);
        const layer = {
          blob: descriptor,
          diffId: config.rootfs.diff_ids[i] ?? "",
          chainId,
          lower: entry.chainIds.slice(0, i).map((id) => layerPath(store, id)),
          name: what,
          open: () => readFileInChunks(blobPath(store, descriptor.digest)),
        };
        await this.#layer(layer, image.id, what);
      }
    }
  }

  /** Compares a layer with what its blob unpacks to. */
  async #layer(
    layer: Parameters<typeof unpackAside>[1],
    imageId: string,
    what: string,
  ): Promise<void> {
    const store = this.#store;
    const place = layerPath(store, layer.chainId);
    const limits = defaultLimits;
    let difference: string | undefined;
    try {
      difference = await unpackAside(store, layer, { ...this.#options, limits }, (directory) =>
        compareTrees(directory, place),
      );
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      return this.#find(`${what} cannot be compared: ${error.message}`, "mend that first");
    }
    if (difference === undefined) return;
    await this.#find(`${what} is not what its blob says: ${difference}`, "unpack it again", () =>
      this.#unpackAgain(layer.chainId, imageId),
    );
  }

  async #unpackAgain(chainId: string, imageId: string): Promise<void> {
    const doomed = await doomLayers(this.#store, [chainId], this.#options);
    if (doomed.length === 0) {
      throw new ImageError("busy", "containers use it: remove them first");
    }
    await repairImage(this.#store, imageId, this.#options);
    await removeTrees(
      this.#options,
      doomed.map(({ path }) => path),
    );
  }

  /** What nobody needs or works on. */
  async garbage(): Promise<void> {
    const store = this.#store;
    const { damaged } = await neededObjects(store);
    const { blobs, layers, temporaries } = await findGarbage(store, this.#options);
    const count = blobs.length + layers.length + temporaries.length;
    if (count > 0) {
      await this.#find(
        `${blobs.length} blobs, ${layers.length} layers and ${temporaries.length} unfinished files belong to no image`,
        "remove them",
        () => collectGarbage(store, this.#options),
      );
    }
    if (damaged.length > 0) {
      await this.#find(
        `blobs that nobody needs cannot be told while ${damaged.length} images are damaged`,
        "mend these first",
      );
    }
  }
}

/** Everything that images need and that may not be taken away while it is looked at. */
async function heldKeys(store: Store): Promise<readonly string[]> {
  const keys: string[] = [];
  for (const image of await listImages(store).catch(() => [])) {
    try {
      keys.push(...(await closureOf(store, image)));
    } catch (error) {
      if (!isDamage(error)) throw error;
      keys.push(...image.entries.flatMap(({ config, chainIds }) => [config, ...chainIds]));
    }
  }
  return keys;
}

/** Checks a whole store, and mends it if that is wanted. */
export async function checkStore(store: Store, options: CheckOptions): Promise<CheckedStore> {
  if (!existsSync(store.root)) return { blobs: 0, layers: 0, images: 0 };
  await prepareStore(store);
  const check = new Check(store, options);
  await check.names();
  return whileHeld(store, await heldKeys(store), async () => {
    const blobs = await check.blobs();
    const images = await check.images();
    const names = await readdir(`${store.root}/layers`);
    const layers = names.filter((name) => name.length === 64 && isHex(name)).length;
    await check.garbage();
    return { blobs, layers, images };
  });
}
