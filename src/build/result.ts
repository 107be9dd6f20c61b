/** Brings what was built into the store. */

import { mkdirSync, readFileSync } from "node:fs";
import { digestOf } from "../image/blob.ts";
import { type BlobSource, readFileInChunks } from "../image/blob-source.ts";
import { type ImportedImage, type ImportOptions, importImage } from "../image/import.ts";
import type { Store } from "../image/store.ts";
import { type Builder, buildahText } from "./buildah.ts";

/** Of containers/image, `dir:`: blobs by their digest, without any folder, and the manifest. */
function directorySource(directory: string, manifestDigest: string): BlobSource {
  return {
    name: "what was built",
    open: ({ digest }) =>
      readFileInChunks(
        digest === manifestDigest
          ? `${directory}/manifest.json`
          : `${directory}/${digest.slice("sha256:".length)}`,
      ),
  };
}

/**
 * In docker's format, since OCI's has no place for HEALTHCHECK.
 *
 * @param names normal forms
 * @throws WishError or ImageError
 */
export async function takeResult(
  builder: Builder,
  store: Store,
  imageId: string,
  names: readonly string[],
  options: ImportOptions,
): Promise<ImportedImage> {
  const directory = `${builder.temporary}/result`;
  mkdirSync(directory);
  await buildahText(builder, ["push", "--quiet", "--format", "v2s2", imageId, `dir:${directory}`]);
  const bytes = readFileSync(`${directory}/manifest.json`);
  const descriptor = {
    mediaType: "application/vnd.docker.distribution.manifest.v2+json",
    digest: digestOf(bytes),
    size: bytes.length,
  };
  const source = directorySource(directory, descriptor.digest);
  return importImage(store, source, descriptor, names, options);
}
