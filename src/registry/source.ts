/** A repository of a registry as a source of blobs: layers come in parallel, ahead of their use. */

import { digestOf } from "../image/blob.ts";
import { type BlobSource, gather, readFileInChunks } from "../image/blob-source.ts";
import { ImageError } from "../image/error.ts";
import {
  type Descriptor,
  documentBytesMax,
  isConfigType,
  isIndexType,
  isManifestType,
} from "../image/manifest.ts";
import { blobPath, type Store } from "../image/store.ts";
import type { RegistryClient } from "./client.ts";
import { Download, type DownloadProgress } from "./download.ts";
import { fetchManifest } from "./manifest-request.ts";

export interface SourceOptions {
  readonly store: Store;
  readonly client: RegistryClient;
  readonly repository: string;
  /** The image, for messages. */
  readonly name: string;
  /** Downloads at a time. */
  readonly parallel: number;
  /** Manifests that have been fetched already, by digest. */
  readonly documents: ReadonlyMap<string, Buffer>;
  readonly onProgress?: ((progress: DownloadProgress) => void) | undefined;
}

/** So many at a time; the others wait in order. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(count: number) {
    this.#free = count;
  }

  take(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free += 1;
    else next();
  }
}

export class RegistrySource implements BlobSource {
  readonly name: string;
  readonly storesLayers = true;
  readonly #options: SourceOptions;
  readonly #turns: Turns;
  readonly #downloads = new Map<string, Download>();

  constructor(options: SourceOptions) {
    this.name = options.name;
    this.#options = options;
    this.#turns = new Turns(options.parallel);
  }

  expect(layers: readonly Descriptor[]): void {
    for (const layer of layers) this.#download(layer);
  }

  #download({ digest, size }: Descriptor): Download {
    const known = this.#downloads.get(digest);
    if (known !== undefined) return known;
    const download = new Download({ digest, size }, this.#options, this.#turns.take());
    const give = () => this.#turns.give();
    download.done.then(give, give);
    this.#downloads.set(digest, download);
    return download;
  }

  async *open(descriptor: Descriptor): AsyncGenerator<Buffer> {
    const { mediaType, digest } = descriptor;
    const isManifest = isManifestType(mediaType) || isIndexType(mediaType);
    if (!isManifest && !isConfigType(mediaType)) {
      yield* this.#download(descriptor).read();
      return;
    }
    const known = this.#options.documents.get(digest) ?? (await this.#fromStore(digest));
    if (known !== undefined) yield known;
    else if (isManifest) yield await this.#manifest(digest);
    else yield await this.#config(descriptor);
  }

  /** A document that is there already, unless it is damaged. */
  async #fromStore(digest: string): Promise<Buffer | undefined> {
    try {
      const path = blobPath(this.#options.store, digest);
      const bytes = await gather(readFileInChunks(path), documentBytesMax, path);
      return digestOf(bytes) === digest ? bytes : undefined;
    } catch (error) {
      if (error instanceof ImageError) return undefined;
      throw error;
    }
  }

  async #manifest(digest: string): Promise<Buffer> {
    const { client, repository, name } = this.#options;
    return (await fetchManifest(client, repository, digest, name)).bytes;
  }

  async #config({ digest }: Descriptor): Promise<Buffer> {
    const { client, repository, name } = this.#options;
    const what = `config of ${name}`;
    const path = `v2/${repository}/blobs/${digest}`;
    return (await client.document({ method: "GET", path, accept: [200], what })).bytes;
  }

  /** Waits until nothing is being downloaded any more: after an abort, or when all is there. */
  async settled(): Promise<void> {
    await Promise.allSettled([...this.#downloads.values()].map(({ done }) => done));
  }
}
