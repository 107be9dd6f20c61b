/** The way into the store: images from OCI layouts, archives of docker save, and any other source. */
export { type BlobSource, memorySource } from "./blob-source.ts";
export { importDockerArchive, loadDockerArchive } from "./docker-archive.ts";
export {
  chainIds,
  type ImportedImage,
  type ImportOptions,
  type ImportProgress,
  importImage,
  repairImage,
} from "./image-import.ts";
export { type FileImportOptions, importOciLayout } from "./oci-layout.ts";
