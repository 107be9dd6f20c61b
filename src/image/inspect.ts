/** Reads of an image in the store what its containers do not need, and people ask for. */
import { checkContent, digestOf } from "./blob.ts";
import { gather, readFileInChunks } from "./blob-source.ts";
import { ImageError, quote } from "./error.ts";
import { type Descriptor, documentBytesMax, type Manifest, parseManifest } from "./manifest.ts";
import { parseReference } from "./reference.ts";
import { blobPath, findReference, type Store } from "./store.ts";

/**
 * The manifest that a reference stands for: its config and layers with their sizes.
 *
 * @throws ImageError `not-found`, `digest-mismatch` or `invalid-image`
 */
export async function readManifest(
  store: Store,
  reference: string,
): Promise<{ readonly descriptor: Descriptor; readonly manifest: Manifest }> {
  const { name } = parseReference(reference);
  const descriptor = findReference(store, name);
  const { digest, size, mediaType } = descriptor;
  const what = `manifest ${digest} of ${quote(name)}`;
  const bytes = await gather(readFileInChunks(blobPath(store, digest)), documentBytesMax, what);
  checkContent({ digest: digestOf(bytes), size: bytes.length }, { digest, size }, what);
  const manifest = parseManifest(bytes, mediaType, what);
  if (manifest.kind === "index") throw new ImageError("invalid-image", `${what} is an index`);
  return { descriptor, manifest };
}
