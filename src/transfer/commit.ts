/** `commit`: an image of a container, with what it wrote as a further layer. */

import { existsSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { hasJustEnded } from "../engine/act.ts";
import { executorPath } from "../executor/locate.ts";
import { kernelFacts } from "../host/facts.ts";
import { canFreeze } from "../host/first-process.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { checkContent, digestOf, prepareStore } from "../image/blob.ts";
import { type BlobSource, gather, readFileInChunks, readRange } from "../image/blob-source.ts";
import { applyChanges } from "../image/change.ts";
import { parseObject } from "../image/document.ts";
import { ImageError } from "../image/error.ts";
import { importImage } from "../image/image-import.ts";
import { documentBytesMax, ociManifestType, parseManifest } from "../image/manifest.ts";
import { platformOf } from "../image/platform.ts";
import { parseReference } from "../image/reference.ts";
import { blobPath, openStore, type Store } from "../image/store.ts";
import type { Plan } from "../plan/op.ts";
import { planLayer, planWholeLayer } from "../planner/transfer.ts";
import {
  type Base,
  type CommitWords,
  commitConfig,
  commitManifest,
  emptyBase,
} from "./committed.ts";
import { fileRootOf, isCopied, type TransferContainer, upperOf, usersOf } from "./file-root.ts";
import { emptyLayer, type LayerFile, packLayer } from "./layer-file.ts";
import type { Report } from "./report.ts";

export type CommitWish = CommitWords & {
  /** What it is called; null: it has only its id. */
  readonly reference: string | null;
  /** Freeze a container that runs while it is read. */
  readonly pause: boolean;
};

export type Committed = {
  /** The digest of its config. */
  readonly id: string;
  readonly report: Report;
};

/** A small blob of the store, whose digest is looked at again. */
async function readBlob(store: Store, digest: string, what: string): Promise<Buffer> {
  try {
    const bytes = await gather(readFileInChunks(blobPath(store, digest)), documentBytesMax, what);
    const size = bytes.length;
    checkContent({ digest: digestOf(bytes), size }, { digest, size }, what);
    return bytes;
  } catch (error) {
    if (!(error instanceof ImageError) || error.code !== "not-found") throw error;
    throw new ImageError(
      "not-found",
      `the image that the container was made of is gone (${what}): pull or import it again`,
    );
  }
}

async function readBase(store: Store, container: TransferContainer): Promise<Base> {
  const { source } = container.record;
  if (source.kind !== "stored") return emptyBase(platformOf(process.arch));
  const what = `manifest ${source.digest}`;
  // The media type stands in the document itself, or is OCI's.
  const bytes = await readBlob(store, source.digest, what);
  const { mediaType } = parseObject(bytes, what);
  const type = typeof mediaType === "string" ? mediaType : ociManifestType;
  const manifest = parseManifest(bytes, type, what);
  if (manifest.kind === "index") throw new ImageError("invalid-image", `${what} is an index`);
  const aboutConfig = `config ${source.id}`;
  const config = parseObject(await readBlob(store, source.id, aboutConfig), aboutConfig);
  // A copy is one layer, whatever it was made of.
  return isCopied(container)
    ? { config: { ...config, rootfs: { type: "layers", diff_ids: [] }, history: [] }, layers: [] }
    : { config, layers: manifest.layers };
}

/** The cgroup to freeze; one that somebody has paused stays so and needs nothing. */
function freezerOf(container: TransferContainer, pause: boolean): string | null {
  const { record, status, name } = container;
  if (!pause || status !== "running") return null;
  const path = record.cgroups.find(canFreeze);
  if (path !== undefined) return path;
  // A user without cgroups has none to freeze; what is asked for is all the same an image.
  if (hasJustEnded(container) || readUserNamespace() !== null) return null;
  throw new WishError([
    `container ${name} has no cgroup that can be frozen: commit it with --pause=false`,
  ]);
}

function layerPlan(container: TransferContainer, pause: boolean): Plan | null {
  const freezer = freezerOf(container, pause);
  if (container.record.source.kind !== "stored" || isCopied(container)) {
    return planWholeLayer(fileRootOf(container, false), freezer, kernelFacts());
  }
  const upper = upperOf(container);
  return existsSync(upper) ? planLayer(upper, freezer, usersOf(container, true)) : null;
}

/** Blobs of the new image from where they are: memory, the new layer's file, and the store. */
function sourceOf(
  store: Store,
  name: string,
  documents: ReadonlyMap<string, Buffer>,
  layer: LayerFile,
): BlobSource {
  return {
    name,
    async *open({ digest }) {
      const document = documents.get(digest);
      if (document !== undefined) yield document;
      else if (digest === layer.content.digest) {
        yield* readRange(layer.file, 0, layer.content.size);
      } else yield* readFileInChunks(blobPath(store, digest));
    },
  };
}

async function importCommitted(
  store: Store,
  container: TransferContainer,
  base: Base,
  layer: LayerFile,
  wish: CommitWish,
): Promise<string> {
  const now = new Date().toISOString();
  const config = Buffer.from(
    JSON.stringify(commitConfig(base, container.record, layer.diffId, wish, now)),
  );
  const about = { digest: digestOf(config), size: config.length };
  const manifest = Buffer.from(JSON.stringify(commitManifest(base, about, layer.content)));
  const descriptor = {
    mediaType: ociManifestType,
    digest: digestOf(manifest),
    size: manifest.length,
  };
  const documents = new Map([
    [about.digest, config],
    [descriptor.digest, manifest],
  ]);
  const { os, architecture, variant } = parseObject(config, "the new config");
  const platform =
    typeof os === "string" && typeof architecture === "string"
      ? { os, architecture, variant: typeof variant === "string" ? variant : undefined }
      : platformOf(process.arch);
  await importImage(
    store,
    sourceOf(store, `the image of container ${container.name}`, documents, layer),
    descriptor,
    wish.reference === null ? [] : [parseReference(wish.reference).name],
    { executor: executorPath(), platform },
  );
  return about.digest;
}

/**
 * Makes an image of a container.
 *
 * @throws WishError, ImageError, TransferError in one line; a container that was frozen goes on
 */
export async function commitContainer(
  container: TransferContainer,
  wish: CommitWish,
): Promise<Committed> {
  const store = openStore(container.record.dataRoot);
  // Before anything is frozen or packed: what cannot be done is said at once.
  if (wish.reference !== null) parseReference(wish.reference);
  applyChanges({}, wish.changes);
  const base = await readBase(store, container);
  await prepareStore(store);
  const plan = layerPlan(container, wish.pause);
  const directory = `${store.root}/blobs/sha256`;
  // One that was never started has written nothing.
  const layer =
    plan === null
      ? await emptyLayer(directory)
      : await packLayer(plan, `container ${container.name}`, directory);
  try {
    return { id: await importCommitted(store, container, base, layer, wish), report: layer.report };
  } finally {
    await layer.file.close();
  }
}
