/**
 * The snapshotter of overlayfs: each layer a directory `ROOT/layers/CHAIN-ID` with whiteouts as
 * overlayfs has them, a root an overlay of these. Pulls and starts have shorter ways to the same
 * directories (image/layer.ts, planner/root.ts), which this is made of.
 */
import { createHash } from "node:crypto";
import { mkdir, readdir, rename } from "node:fs/promises";
import { checkContent } from "../image/blob.ts";
import { decompress, defaultLimits } from "../image/decompress.ts";
import { codeOf, ImageError } from "../image/error.ts";
import { LayerTranslator } from "../image/layer.ts";
import { layerSize, removeLayerSize, writeLayerSize } from "../image/layer-size.ts";
import { isHex } from "../image/reference.ts";
import { removeLayer } from "../image/remove.ts";
import { layerPath, type Store } from "../image/store.ts";
import { temporaryName } from "../image/temporary.ts";
import { removeTrees, startUnpacker, type UnpackerOptions } from "../image/unpack.ts";
import { planOverlay } from "../planner/root.ts";
import { byParent, mkdir as makeDirectory, onHost } from "../planner/step.ts";
import type { LayerDiff, PreparedLayer, RootWish, Snapshotter } from "./snapshotter.ts";

/** @returns the bytes of the files that were unpacked */
async function unpack(
  diff: LayerDiff,
  directory: string,
  lower: readonly string[],
  options: UnpackerOptions,
): Promise<number> {
  const hash = createHash("sha256");
  const translator = new LayerTranslator();
  const unpacker = startUnpacker(options, directory, lower);
  let size = 0;
  try {
    await decompress(diff.open(), defaultLimits, async (chunk) => {
      hash.update(chunk);
      size += chunk.length;
      for (const piece of translator.push(chunk)) await unpacker.write(piece);
    });
    const digest = `sha256:${hash.digest("hex")}`;
    checkContent({ digest, size }, { digest: diff.diffId, size }, `its tar (${diff.diffId})`);
    for (const piece of translator.finish()) await unpacker.write(piece);
    await unpacker.finish();
    return translator.fileBytes;
  } catch (error) {
    await unpacker.abort();
    throw error;
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === "ENOTEMPTY" || codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

async function prepareOverlay(
  store: Store,
  options: UnpackerOptions,
  diff: LayerDiff,
  parents: readonly string[],
): Promise<PreparedLayer> {
  await mkdir(`${store.root}/layers`, { recursive: true, mode: 0o700 });
  const temporary = `${store.root}/layers/${temporaryName()}`;
  await mkdir(temporary, { mode: 0o700 });
  let isThere = true;
  const abort = async (): Promise<void> => {
    if (isThere) await removeTrees(options, [temporary]);
    isThere = false;
  };
  let bytes: number;
  try {
    const lower = parents.map((id) => layerPath(store, id));
    bytes = await unpack(diff, temporary, lower, options);
  } catch (error) {
    await abort();
    if (!(error instanceof ImageError)) throw error;
    throw new ImageError(error.code, `${diff.name}: ${error.message}`, { cause: error });
  }
  return {
    abort,
    async commit(chainId) {
      await writeLayerSize(store, chainId, bytes);
      if (await moved(temporary, layerPath(store, chainId))) {
        isThere = false;
        return true;
      }
      await abort();
      return false;
    },
  };
}

function overlayRoot(store: Store, { chainIds, writable, at, facts }: RootWish) {
  const why = "root: what the container writes goes here";
  const layers = chainIds.map((id) => layerPath(store, id));
  const notes = facts.userNamespace === undefined ? [] : ["userxattr"];
  return {
    before: [
      byParent(makeDirectory(onHost(`${writable}/upper`), 0o755), why),
      byParent(makeDirectory(onHost(`${writable}/work`), 0o700), why),
    ],
    steps: [planOverlay({ layers, data: writable, at: onHost(at), options: notes, facts })],
  };
}

export function overlaySnapshotter(store: Store, options: UnpackerOptions): Snapshotter {
  return {
    name: "overlay",
    prepare: (diff, parents) => prepareOverlay(store, options, diff, parents),
    async list() {
      const names = await readdir(`${store.root}/layers`).catch((error: unknown) => {
        if (codeOf(error) === "ENOENT") return [];
        throw error;
      });
      return names.filter((name) => name.length === 64 && isHex(name)).sort();
    },
    async usage(chainId) {
      const bytes = await layerSize(store, chainId);
      return bytes === undefined ? undefined : { bytes };
    },
    async remove(chainId) {
      const wasThere = await removeLayer(store, chainId, options);
      await removeLayerSize(store, chainId);
      return wasThere;
    },
    root: (wish) => overlayRoot(store, wish),
  };
}
