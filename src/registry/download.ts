/**
 * Brings one blob into the store: from where a former attempt ended, checked while it streams, and
 * readable while it comes.
 */
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Content, checkContent, hasBlob } from "../image/blob.ts";
import { readFileInChunks, readRange } from "../image/blob-source.ts";
import { codeOf, ImageError } from "../image/error.ts";
import { blobPath, type Store } from "../image/store.ts";
import { asImageError, type RegistryClient } from "./client.ts";
import type { Answer } from "./exchange.ts";
import { claimPart, leavePart, partSizes } from "./partial.ts";
import { TransientError } from "./patience.ts";

export type DownloadProgress =
  | {
      readonly kind: "downloading";
      readonly digest: string;
      readonly done: number;
      readonly total: number;
    }
  /** Another process is downloading it. */
  | { readonly kind: "waiting"; readonly digest: string }
  | { readonly kind: "downloaded"; readonly digest: string };

export interface DownloadOptions {
  readonly store: Store;
  readonly client: RegistryClient;
  readonly repository: string;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** How often another process's download is looked at, in milliseconds. */
const lookEvery = 100;
/** So much has to come before failures are forgotten. */
const progressBytes = 256 * 1024;

type Part = { readonly path: string; readonly file: FileHandle };

export class Download {
  readonly content: Content;
  /** Settles when the blob is in the store, or never will be. */
  readonly done: Promise<void>;
  readonly #options: DownloadOptions;
  #hash: Hash = createHash("sha256");
  /** Bytes that are in the file, and hashed. */
  #position = 0;
  /** Where readers may look while it comes; undefined: only when it is complete. */
  #readable: FileHandle | undefined;
  #readers = 0;
  #isOver = false;
  #bell: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(content: Content, options: DownloadOptions, start: Promise<void>) {
    this.content = content;
    this.#options = options;
    this.done = start
      .then(() => this.#run())
      .catch((error: unknown) => {
        throw asImageError(error);
      })
      .finally(() => {
        this.#isOver = true;
        this.#ring();
      });
    this.done.catch(() => undefined); // whoever reads is told
  }

  #ring(): void {
    this.#bell.resolve();
    this.#bell = Promise.withResolvers();
  }

  #tell(progress: DownloadProgress): void {
    this.#options.onProgress?.(progress);
  }

  async #run(): Promise<void> {
    const { store, client } = this.#options;
    const { digest } = this.content;
    // Whoever else has it may have been stopped: its part grows no more then.
    let seen = { size: -1, at: Date.now() };
    while (!(await hasBlob(store, this.content))) {
      const isStuck = Date.now() - seen.at > 2 * client.patience.stall;
      const path = await claimPart(store, digest, !isStuck);
      if (path !== undefined) {
        // Whoever had it may have put it into its place since the look.
        if (await hasBlob(store, this.content)) await rm(path, { force: true });
        else await this.#bring(path);
        break;
      }
      if (seen.size < 0) this.#tell({ kind: "waiting", digest });
      const size = await partSizes(store, digest);
      if (size !== seen.size) seen = { size, at: Date.now() };
      await sleep(lookEvery, undefined, client.signal && { signal: client.signal });
    }
    this.#tell({ kind: "downloaded", digest });
  }

  /** Fetches what is missing of a part that is ours, and puts the whole into its place. */
  async #bring(path: string): Promise<void> {
    const { store } = this.#options;
    const { digest } = this.content;
    const file = await open(path, "r+");
    let isPlaced = false;
    let isWorthless = false;
    try {
      const isResumed = await this.#takeUp(file);
      if (!isResumed) this.#readable = file;
      await this.#fetchAll({ path, file });
      try {
        this.#check();
      } catch (error) {
        if (!isResumed) throw error;
        // What was there may have been wrong: once more from the beginning.
        await this.#startAgain(file);
        await this.#fetchAll({ path, file });
        this.#check();
      }
      await rename(path, blobPath(store, digest));
      isPlaced = true;
    } catch (error) {
      isWorthless = error instanceof ImageError && error.code === "digest-mismatch";
      throw error;
    } finally {
      if (!isPlaced && isWorthless) await rm(path, { force: true });
      else if (!isPlaced) await leavePart(store, digest, path);
      this.#readable = this.#readers > 0 ? this.#readable : undefined;
      if (this.#readable === undefined) await file.close();
    }
  }

  /** Hashes what there is of a former attempt. */
  async #takeUp(file: FileHandle): Promise<boolean> {
    const { size } = await file.stat();
    if (size > this.content.size) await file.truncate(0);
    if (size === 0 || size > this.content.size) return false;
    for await (const chunk of readRange(file, 0, size)) this.#count(chunk);
    return true;
  }

  async #startAgain(file: FileHandle): Promise<void> {
    await file.truncate(0);
    this.#hash = createHash("sha256");
    this.#position = 0;
  }

  #count(chunk: Uint8Array): void {
    this.#hash.update(chunk);
    this.#position += chunk.length;
  }

  #check(): void {
    const digest = `sha256:${this.#hash.copy().digest("hex")}`;
    checkContent({ digest, size: this.#position }, this.content, "what came");
  }

  async #fetchAll(part: Part): Promise<void> {
    const retries = this.#options.client.retries();
    let counted = this.#position;
    while (this.#position < this.content.size) {
      try {
        await this.#fetchRest(part);
      } catch (error) {
        if (this.#position - counted >= progressBytes) retries.madeProgress();
        counted = this.#position;
        await retries.after(error);
      }
    }
  }

  async #fetchRest({ file, path }: Part): Promise<void> {
    const { client, repository } = this.#options;
    const { digest, size } = this.content;
    const start = this.#position;
    const answer = await client.request({
      method: "GET",
      path: `v2/${repository}/blobs/${digest}`,
      headers: start > 0 ? { Range: `bytes=${start}-` } : {},
      accept: [200, 206],
      what: `blob ${digest}`,
      retry: false,
    });
    // A server that knows no ranges sends all of it: what we have is passed over.
    let skip = answer.status === 206 ? 0 : start;
    if (answer.status === 206) checkRange(answer, start, size);
    else checkLength(answer, size);
    for await (const chunk of answer.body()) {
      const fresh = chunk.subarray(Math.min(skip, chunk.length));
      skip -= chunk.length - fresh.length;
      if (fresh.length === 0) continue;
      if (this.#position + fresh.length > size) {
        throw new ImageError("digest-mismatch", `it has more bytes than the ${size} promised`);
      }
      await writeAt(file, fresh, this.#position, path);
      this.#count(fresh);
      this.#ring();
      this.#tell({ kind: "downloading", digest, done: this.#position, total: size });
    }
    if (this.#position < size) {
      throw new TransientError(
        `${answer.url.host} sent only ${this.#position} of ${size} bytes of blob ${digest}`,
      );
    }
  }

  /** The blob's bytes, as they come; by the end of it the blob is in the store. */
  async *read(): AsyncGenerator<Buffer> {
    const { store } = this.#options;
    const { size, digest } = this.content;
    let at = 0;
    let file: FileHandle | undefined;
    this.#readers += 1;
    try {
      while (!this.#isOver) {
        const bell = this.#bell.promise;
        file ??= this.#readable;
        const end = this.#position;
        if (file === undefined || end === at) await bell;
        else {
          yield* readRange(file, at, end - at);
          at = end;
        }
      }
      await this.done;
      if (at === 0 && file === undefined) yield* readFileInChunks(blobPath(store, digest));
      else if (at < size && file !== undefined) yield* readRange(file, at, size - at);
    } finally {
      this.#readers -= 1;
      if (this.#isOver && this.#readers === 0) {
        await this.#readable?.close();
        this.#readable = undefined;
      }
    }
  }
}

async function writeAt(
  file: FileHandle,
  bytes: Buffer,
  position: number,
  path: string,
): Promise<void> {
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done);
      done += bytesWritten;
    }
  } catch (cause) {
    const code = codeOf(cause) ?? "unknown error";
    const hint = code === "ENOSPC" || code === "EDQUOT" ? ": no space is left" : "";
    throw new ImageError("limit", `cannot write ${path}: ${code}${hint}`, { cause });
  }
}

function checkRange(answer: Answer, start: number, size: number): void {
  const said = answer.headers.get("content-range") ?? "";
  const [, from, , total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/.exec(said) ?? [];
  if (Number(from) === start && (total === "*" || Number(total) === size)) return;
  throw new ImageError(
    "digest-mismatch",
    `${answer.url.host} answers with another part of it than was asked for (${JSON.stringify(said.slice(0, 80))})`,
  );
}

function checkLength(answer: Answer, size: number): void {
  const length = answer.headers.get("content-length");
  if (length === null || Number(length) === size) return;
  throw new ImageError(
    "digest-mismatch",
    `${answer.url.host} sends ${length} bytes in place of the ${size} promised`,
  );
}
