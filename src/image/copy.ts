/** Copies an image between the store, OCI layouts and docker archives. */

import { existsSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { whyOf } from "../host/file-error.ts";
import { writeChunk } from "./blob.ts";
import type { BlobSource } from "./blob-source.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { type Outgoing, type Write, writeArchive } from "./export.ts";
import { type ImportOptions, importImage } from "./image-import.ts";
import { writeLayoutDirectory } from "./layout-directory.ts";
import { withFile, withStored } from "./outgoing.ts";
import { type FileReference, parseReference } from "./reference.ts";
import { removeStaleBeside } from "./stale-beside.ts";
import type { Store } from "./store.ts";
import { temporaryName } from "./temporary.ts";

/** Writes a file under another name first: what was there stays until all is written. */
export async function writeFileWhole(
  path: string,
  produce: (write: Write) => Promise<void>,
): Promise<void> {
  const absolute = resolve(path);
  const temporary = `${dirname(absolute)}/${temporaryName()}`;
  await removeStaleBeside(dirname(absolute));
  try {
    const file = await open(temporary, "wx", 0o600).catch((cause: unknown) => {
      const message = `cannot write ${quote(absolute)}: ${whyOf(cause)}`;
      throw new ImageError("unsupported", message, { cause });
    });
    try {
      await produce((bytes) => writeChunk(file, bytes));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, absolute);
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    if (codeOf(cause) === undefined) throw cause;
    const message = `cannot write ${quote(absolute)}: ${whyOf(cause)}`;
    throw new ImageError("unsupported", message, { cause });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function copyToFile(image: Outgoing, { transport, file, select }: FileReference) {
  if (transport === "oci") {
    // Without a name it keeps those that it has, as with `save`.
    const named = select === undefined ? image : { ...image, names: [], refName: select };
    return writeLayoutDirectory(resolve(file), [named]);
  }
  if (existsSync(file)) {
    throw new ImageError(
      "unsupported",
      `${quote(file)} is there already: an archive is not added to; remove it, or name another`,
    );
  }
  const reference = select === undefined ? undefined : parseReference(select);
  if (reference !== undefined && (reference.transport !== "registry" || reference.digest)) {
    throw new ImageError("invalid-reference", `${quote(select ?? "")} is no NAME[:TAG]`);
  }
  const named = reference === undefined ? image : { ...image, names: [reference.name] };
  return writeFileWhole(file, (write) => writeArchive([named], "docker-archive", write));
}

export interface CopyOptions extends ImportOptions {
  /** Ends the copy; nothing is left of it then. */
  readonly signal?: AbortSignal;
}

/** The image, whose bytes end with the signal. */
export function abortable(image: Outgoing, signal: AbortSignal | undefined): Outgoing {
  if (signal === undefined) return image;
  const { source } = image;
  const openBlob: BlobSource["open"] = async function* (descriptor) {
    for await (const chunk of source.open(descriptor)) {
      signal.throwIfAborted();
      yield chunk;
    }
  };
  return { ...image, source: { ...source, open: openBlob } };
}

/**
 * Copies one image. Each side is a name in the store, `oci:DIR[:REF]` or
 * `docker-archive:FILE[:REF]`.
 *
 * @returns the manifest's digest, which is the same on both sides
 * @throws ImageError
 */
export async function copyImage(
  store: Store,
  from: string,
  to: string,
  options: CopyOptions,
): Promise<string> {
  const target = parseReference(to);
  const put = async (found: Outgoing): Promise<string> => {
    const image = abortable(found, options.signal);
    const { source, descriptor } = image;
    if (target.transport !== "registry") await copyToFile(image, target);
    else if (target.digest !== undefined && target.digest !== descriptor.digest) {
      throw new ImageError("digest-mismatch", `the image has the digest ${descriptor.digest}`);
    } else await importImage(store, source, descriptor, [target.name], options);
    return descriptor.digest;
  };
  if (/^(oci|docker-archive):/.test(from)) {
    const source = parseReference(from);
    if (source.transport !== "registry") return withFile(store, source, options, put);
  }
  return withStored(store, [from], async ([image]) => {
    if (image === undefined) throw new ImageError("not-found", `no image ${quote(from)}`);
    return put(image);
  });
}
