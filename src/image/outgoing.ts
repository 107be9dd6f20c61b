/** Finds the images that are to be written out: in the store, in a layout, in an archive. */
import { resolve } from "node:path";
import { type BlobSource, readFileInChunks } from "./blob-source.ts";
import { withArchiveImage } from "./docker-archive.ts";
import { ImageError, quote } from "./error.ts";
import { type Outgoing, prepareOutgoing } from "./export.ts";
import { familiarName } from "./familiar.ts";
import { type ObjectKey, whileHeld } from "./hold.ts";
import type { ImportOptions } from "./image-import.ts";
import { closureOf, type FoundImage, findImageByText, shortId } from "./images.ts";
import {
  blobSourceOf,
  directoryFiles,
  normalForms,
  readLayout,
  selectImage,
} from "./oci-layout.ts";
import { platformOf } from "./platform.ts";
import { type FileReference, parseReference } from "./reference.ts";
import { blobPath, type Store } from "./store.ts";

const storeSource = (store: Store, name: string): BlobSource => ({
  name,
  open: ({ digest }) => readFileInChunks(blobPath(store, digest)),
});

/** An image of the store with the name that was typed, or with all its names for an ID. */
function outgoingOf(store: Store, { image, reference }: FoundImage): Promise<Outgoing> {
  const digest = reference === undefined ? undefined : image.digests.get(reference);
  const entry =
    image.entries.find(({ manifest }) => manifest.digest === digest) ?? image.entries[0];
  if (entry === undefined) {
    throw new ImageError(
      "not-found",
      `image ${shortId(image.id)} has no manifest: import it again`,
    );
  }
  const tags = (reference === undefined ? image.references : [reference]).filter((name) => {
    const parsed = parseReference(name);
    return parsed.transport === "registry" && parsed.digest === undefined;
  });
  const name = reference === undefined ? shortId(image.id) : familiarName(reference);
  return prepareOutgoing(
    storeSource(store, quote(name)),
    entry.manifest,
    platformOf(process.arch),
    tags,
  );
}

/** Names that lead to one image are one image with these names. */
function joined(images: readonly Outgoing[]): readonly Outgoing[] {
  const byDigest = new Map<string, Outgoing>();
  for (const image of images) {
    const known = byDigest.get(image.descriptor.digest);
    const names = [...new Set([...(known?.names ?? []), ...image.names])];
    byDigest.set(image.descriptor.digest, { ...image, names });
  }
  return [...byDigest.values()];
}

/**
 * Runs `use` with images of the store, which nobody removes meanwhile.
 *
 * @param texts references or IDs
 * @throws ImageError when one is not there
 */
export async function withStored<T>(
  store: Store,
  texts: readonly string[],
  use: (images: readonly Outgoing[]) => Promise<T>,
): Promise<T> {
  const keys: ObjectKey[] = [];
  for (const text of texts) {
    keys.push(...(await closureOf(store, (await findImageByText(store, text)).image)));
  }
  return whileHeld(store, keys, async () => {
    const images: Outgoing[] = [];
    for (const text of texts) {
      images.push(await outgoingOf(store, await findImageByText(store, text)));
    }
    return use(joined(images));
  });
}

/** Runs `use` with an image that lies in a file or a layout. */
export async function withFile<T>(
  store: Store,
  { transport, file, select }: FileReference,
  options: ImportOptions,
  use: (image: Outgoing) => Promise<T>,
): Promise<T> {
  const platform = options.platform ?? platformOf(process.arch);
  if (transport === "docker-archive") {
    return withArchiveImage(store, file, select, options, async (image) =>
      use(await prepareOutgoing(image.source, image.descriptor, platform, image.names)),
    );
  }
  const files = directoryFiles(resolve(file));
  const image = selectImage(await readLayout(files), select, files, platform);
  const names = normalForms(image);
  return use(await prepareOutgoing(blobSourceOf(files), image.descriptor, platform, names));
}
