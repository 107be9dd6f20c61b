/** Writes blobs into the store: under a temporary name first, in place once the digest is right. */
import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { codeOf, ImageError } from "./error.ts";
import type { Descriptor } from "./manifest.ts";
import { blobPath, type Store } from "./store.ts";
import { temporaryName } from "./temporary.ts";

/** What bytes hash to, in the form of a descriptor. `size` in bytes. */
export type Content = Pick<Descriptor, "digest" | "size">;

export function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** Makes the store's directories, which only their owner can enter: layers hold set-user-ID programs. */
export async function prepareStore(store: Store): Promise<void> {
  await mkdir(store.root, { recursive: true, mode: 0o700 });
  for (const directory of [
    "blobs/sha256",
    "refs",
    "images",
    "layers",
    "holds/use",
    "holds/removal",
  ]) {
    await mkdir(`${store.root}/${directory}`, { recursive: true, mode: 0o700 });
  }
  await writeOnce(`${store.root}/oci-layout`, '{"imageLayoutVersion":"1.0.0"}');
}

async function writeOnce(path: string, text: string): Promise<void> {
  try {
    const file = await open(path, "wx", 0o600);
    await file.writeFile(text);
    await file.close();
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
}

export async function hasBlob(store: Store, content: Content): Promise<boolean> {
  try {
    const found = await stat(blobPath(store, content.digest));
    return found.isFile() && found.size === content.size;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return false;
    throw error;
  }
}

/** Compares what came with what was promised. */
export function checkContent(found: Content, promised: Content, what: string): void {
  if (found.size !== promised.size) {
    const short = found.size < promised.size ? "only " : "";
    throw new ImageError(
      "digest-mismatch",
      `${what} has ${short}${found.size} bytes in place of ${promised.size}`,
    );
  }
  if (found.digest !== promised.digest) {
    throw new ImageError("digest-mismatch", `${what} has the digest ${found.digest} instead`);
  }
}

/** A blob under construction. Either commit or abort ends it; abort after commit does nothing. */
export interface BlobWriter {
  write(bytes: Uint8Array): Promise<void>;
  /** Puts the blob in its place. The caller has checked that the bytes are those of `digest`. */
  commit(digest: string): Promise<void>;
  abort(): Promise<void>;
}

/** Writes all of it where the last write ended. */
export async function writeChunk(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    done += (await file.write(bytes, done)).bytesWritten;
  }
}

export async function createBlob(store: Store): Promise<BlobWriter> {
  const path = `${store.root}/blobs/sha256/${temporaryName()}`;
  const file = await open(path, "wx", 0o600);
  let isOpen = true;
  return {
    write: (bytes) => writeChunk(file, bytes),
    async commit(digest) {
      await file.close();
      await rename(path, blobPath(store, digest));
      isOpen = false;
    },
    async abort() {
      if (!isOpen) return;
      isOpen = false;
      await file.close().catch(() => undefined);
      await rm(path, { force: true });
    },
  };
}

/** Stores bytes that are already in memory. */
export async function putBlob(store: Store, bytes: Buffer): Promise<Content> {
  const content = { digest: digestOf(bytes), size: bytes.length };
  // It is small and read all the time: what a power failure did to it is put right here.
  const isThere = await hasBlob(store, content);
  if (isThere && bytes.equals(await readFile(blobPath(store, content.digest)))) return content;
  const blob = await createBlob(store);
  try {
    await blob.write(bytes);
    await blob.commit(content.digest);
  } finally {
    await blob.abort();
  }
  return content;
}

/** Puts a small file in place by rename, so that readers see the old or the new one, whole. */
export async function replaceFile(
  directoryOfTemporary: string,
  path: string,
  text: string,
): Promise<void> {
  const temporary = `${directoryOfTemporary}/${temporaryName()}`;
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(text);
      // A reference that survives a power failure must not be found empty.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    // Of a write that fails the system's own message names no file.
    const code = codeOf(error);
    if (code === undefined) throw error;
    const { message } = error as Error;
    throw Object.assign(new Error(`cannot write ${path}: ${message}`, { cause: error }), { code });
  } finally {
    await rm(temporary, { force: true });
  }
}
