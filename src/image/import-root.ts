/**
 * Makes an image of one layer from the tar of a root file system, as `docker import` does.
 * The tar's bytes become the layer's blob as they are, compressed or not.
 */
import { createHash } from "node:crypto";
import { createBlob, digestOf, prepareStore } from "./blob.ts";
import { memorySource, readFileInChunks } from "./blob-source.ts";
import { applyChanges, type ConfigDocument } from "./change.ts";
import { decompress, defaultLimits } from "./decompress.ts";
import { ImageError, quote } from "./error.ts";
import { whileHeld } from "./hold.ts";
import { type ImportedImage, type ImportOptions, importImage } from "./image-import.ts";
import { type Descriptor, ociConfigType, ociLayerType, ociManifestType } from "./manifest.ts";
import { platformOf } from "./platform.ts";
import { dropBlob } from "./remove-image.ts";
import { blobPath, type Store } from "./store.ts";

export interface RootImport extends ImportOptions {
  /** Where the tar comes from, for messages. */
  readonly from: string;
  /** What the image's history says of it. */
  readonly comment: string;
  /** Dockerfile instructions that make the config. */
  readonly changes: readonly string[];
  /** Normal form of the name it gets; undefined: none but its ID. */
  readonly name: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A layer's blob that is on its way into the store, with the digest of what is in it. */
interface Taken {
  readonly descriptor: Descriptor;
  readonly diffId: string;
}

/** Writes the blob and hashes it, packed and plain, in one pass. */
async function takeBlob(
  store: Store,
  source: AsyncIterable<Buffer>,
  options: RootImport,
  use: (taken: Taken) => Promise<ImportedImage>,
): Promise<ImportedImage> {
  const blob = await createBlob(store);
  try {
    const [packed, plain] = [createHash("sha256"), createHash("sha256")];
    let size = 0;
    async function* written(): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        packed.update(chunk);
        size += chunk.length;
        await blob.write(chunk);
        yield chunk;
      }
    }
    const limits = { ...defaultLimits, ...options.limits };
    const compression = await decompress(written(), limits, (chunk) => void plain.update(chunk));
    if (size === 0) throw new ImageError("invalid-image", `${options.from} is empty`);
    const digest = `sha256:${packed.digest("hex")}`;
    const diffId = `sha256:${plain.digest("hex")}`;
    const mediaType = compression === "none" ? ociLayerType : `${ociLayerType}+${compression}`;
    // Held from before it is there: until the image's record is, nobody else needs it.
    try {
      return await whileHeld(store, [digest], async () => {
        await blob.commit(digest);
        return use({ descriptor: { mediaType, digest, size }, diffId });
      });
    } catch (error) {
      await dropBlob(store, digest);
      throw error;
    }
  } finally {
    await blob.abort();
  }
}

function documents({ descriptor, diffId }: Taken, options: RootImport, config: ConfigDocument) {
  const created = new Date(options.now).toISOString();
  const { os, architecture, variant } = options.platform ?? platformOf(process.arch);
  const configBytes = Buffer.from(
    JSON.stringify({
      created,
      architecture,
      ...(variant === undefined ? {} : { variant }),
      os,
      config,
      rootfs: { type: "layers", diff_ids: [diffId] },
      history: [{ created, comment: options.comment }],
    }),
  );
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: ociManifestType,
      config: {
        mediaType: ociConfigType,
        digest: digestOf(configBytes),
        size: configBytes.length,
      },
      layers: [descriptor],
    }),
  );
  return { configBytes, manifest };
}

/**
 * @param source the bytes of a tar, plain or compressed by gzip or zstd
 * @throws ImageError
 */
export async function importRoot(
  store: Store,
  source: AsyncIterable<Buffer>,
  options: RootImport,
): Promise<ImportedImage> {
  const config = applyChanges({}, options.changes);
  await prepareStore(store);
  try {
    return await takeBlob(store, source, options, async (taken) => {
      const { configBytes, manifest } = documents(taken, options, config);
      const inMemory = memorySource(options.from, [configBytes, manifest]);
      const layer = taken.descriptor.digest;
      return importImage(
        store,
        {
          name: options.from,
          open: (wanted) =>
            wanted.digest === layer
              ? readFileInChunks(blobPath(store, layer))
              : inMemory.open(wanted),
        },
        { mediaType: ociManifestType, digest: digestOf(manifest), size: manifest.length },
        options.name === undefined ? [] : [options.name],
        options,
      );
    });
  } catch (error) {
    if (!(error instanceof ImageError) || error.message.includes(options.from)) throw error;
    throw new ImageError(error.code, `${options.from}: ${error.message}`, { cause: error });
  }
}

/** How a file is called in messages. */
export const sourceName = (file: string): string => (file === "-" ? "standard input" : quote(file));
