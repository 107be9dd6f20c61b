/** A new layer as a file without a name: compressed and hashed while it is packed. */

import { createHash } from "node:crypto";
import { type FileHandle, mkdir, open, unlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Content } from "../image/blob.ts";
import { tarEnd } from "../image/tar-writer.ts";
import { temporaryName } from "../image/temporary.ts";
import type { Plan } from "../plan/op.ts";
import { cutShort, type Report } from "./report.ts";
import { startPacker } from "./worker.ts";

export type LayerFile = {
  /** Open for reading; the file goes when it is closed. */
  readonly file: FileHandle;
  /** Of the compressed bytes. */
  readonly content: Content;
  /** Digest of the tar. */
  readonly diffId: string;
  readonly report: Report;
};

/** A file in a directory that nothing has to remove. */
async function namelessFile(directory: string): Promise<FileHandle> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/${temporaryName()}`;
  const file = await open(path, "wx+", 0o600);
  await unlink(path);
  return file;
}

/** `taken`: bytes of the tar. */
type Written = Omit<LayerFile, "file" | "report"> & { readonly taken: number };

type Bytes = AsyncIterable<Buffer> | Iterable<Buffer>;

/** Compresses a tar into the file. */
async function write(tar: Bytes, file: FileHandle): Promise<Written> {
  let taken = 0;
  const [plain, packed] = [createHash("sha256"), createHash("sha256")];
  let size = 0;
  await pipeline(
    tar,
    async function* (chunks: Bytes) {
      for await (const chunk of chunks) {
        plain.update(chunk);
        taken += chunk.length;
        yield chunk;
      }
    },
    createGzip(),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        packed.update(chunk);
        for (let done = 0; done < chunk.length; ) {
          done += (await file.write(chunk, done, chunk.length - done, size + done)).bytesWritten;
        }
        size += chunk.length;
      }
    },
  );
  return {
    content: { digest: `sha256:${packed.digest("hex")}`, size },
    diffId: `sha256:${plain.digest("hex")}`,
    taken,
  };
}

/**
 * Carries out a plan that packs, and keeps what comes of it.
 *
 * @param directory on the disk of the store
 * @throws TransferError; then nothing is left
 */
export async function packLayer(
  plan: Plan,
  subject: string,
  directory: string,
): Promise<LayerFile> {
  const file = await namelessFile(directory);
  const packer = startPacker(plan, subject, "pipe");
  try {
    const { taken, ...written } = await write((packer.stdout ?? []) as Bytes, file);
    const report = await packer.done;
    if (report.bytes !== taken) throw cutShort(subject);
    return { file, ...written, report };
  } catch (error) {
    await packer.abort();
    await file.close();
    throw error;
  }
}

/** The layer of a container that has written nothing. */
export async function emptyLayer(directory: string): Promise<LayerFile> {
  const file = await namelessFile(directory);
  try {
    const { taken, ...written } = await write([tarEnd()], file);
    const report = { entries: 0, skipped: 0, skips: [], bytes: taken };
    return { file, ...written, report };
  } catch (error) {
    await file.close();
    throw error;
  }
}
