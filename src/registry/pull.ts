/** Brings images of registries into the store. */

import { prepareStore } from "../image/blob.ts";
import { ImageError } from "../image/error.ts";
import {
  type ImportedImage,
  type ImportOptions,
  type ImportProgress,
  importImage,
} from "../image/image-import.ts";
import { parseReference, type RegistryReference } from "../image/reference.ts";
import { readReference, type Store } from "../image/store.ts";
import { type Endpoint, pullEndpoints } from "./address.ts";
import { type ClientOptions, RegistryClient } from "./client.ts";
import { credentialFinder, type Environment, type FindCredentials } from "./credentials.ts";
import type { DownloadProgress } from "./download.ts";
import { fetchManifest, fetchTags } from "./manifest-request.ts";
import { defaultPatience, type Patience } from "./patience.ts";
import { type RegistrySettings, readSettings } from "./settings.ts";
import { RegistrySource } from "./source.ts";

/** How registries are spoken to; what is left out comes from the environment and its files. */
export interface RegistryOptions {
  readonly env?: Environment;
  readonly settings?: RegistrySettings;
  readonly findCredentials?: FindCredentials;
  readonly patience?: Partial<Patience>;
  readonly signal?: AbortSignal;
  readonly authoritiesOf?: NonNullable<ClientOptions["authoritiesOf"]>;
  readonly onRetry?: (why: string, delay: number) => void;
}

export type PullProgress = ImportProgress | DownloadProgress;

export interface PullOptions extends Omit<ImportOptions, "onProgress">, RegistryOptions {
  /** Layers that are downloaded at a time; 3 unless given. */
  readonly parallel?: number;
  readonly onProgress?: (progress: PullProgress) => void;
}

export interface PulledImage extends ImportedImage {
  /** Of what the registry has under the reference: a manifest or an index. */
  readonly fetched: string;
  /** False: it was all there. */
  readonly isNew: boolean;
}

const parallelDownloads = 3;

export function clientOptions(options: RegistryOptions): ClientOptions {
  const env = options.env ?? process.env;
  return {
    findCredentials: options.findCredentials ?? credentialFinder(env),
    patience: { ...defaultPatience, ...options.patience },
    signal: options.signal,
    onRetry: options.onRetry,
    ...(options.authoritiesOf && { authoritiesOf: options.authoritiesOf }),
  };
}

export function settingsOf(options: RegistryOptions): RegistrySettings {
  return options.settings ?? readSettings(options.env ?? process.env);
}

/** Asks one address after the other, until one does not fail. */
async function fromFirst<T>(
  endpoints: readonly Endpoint[],
  signal: AbortSignal | undefined,
  ask: (endpoint: Endpoint) => Promise<T>,
): Promise<T> {
  for (const endpoint of endpoints.slice(0, -1)) {
    try {
      return await ask(endpoint);
    } catch {
      signal?.throwIfAborted(); // a mirror that fails is as good as none
    }
  }
  const last = endpoints.at(-1);
  if (last === undefined) throw new Error("a registry has at least its own address");
  return ask(last);
}

function clientFor(endpoint: Endpoint, path: string, options: ClientOptions): RegistryClient {
  return new RegistryClient(endpoint, path, [`repository:${path}:pull`], options);
}

async function importFrom(
  store: Store,
  reference: RegistryReference,
  endpoint: Endpoint,
  options: PullOptions,
): Promise<ImportedImage & { readonly fetched: string }> {
  const { name, path, tag, digest } = reference;
  const stop = new AbortController();
  const own = clientOptions(options);
  const signals = [stop.signal, ...(own.signal === undefined ? [] : [own.signal])];
  const client = clientFor(endpoint, path, { ...own, signal: AbortSignal.any(signals) });
  const { descriptor, bytes } = await fetchManifest(client, path, digest ?? tag ?? "", name);
  await prepareStore(store);
  const source = new RegistrySource({
    store,
    client,
    repository: path,
    name,
    parallel: options.parallel ?? parallelDownloads,
    documents: new Map([[descriptor.digest, bytes]]),
    onProgress: options.onProgress,
  });
  try {
    const imported = await importImage(store, source, descriptor, [name], options);
    return { ...imported, fetched: descriptor.digest };
  } finally {
    // Of what is still coming, parts are left that can be resumed.
    stop.abort(new Error("not wanted any more"));
    await source.settled();
  }
}

/**
 * Pulls an image: from a mirror of its registry if there is one that has it, else from the registry.
 *
 * @throws ImageError in one line; the signal's reason
 */
export async function pullImage(
  store: Store,
  reference: RegistryReference,
  options: PullOptions,
): Promise<PulledImage> {
  const before = digestInStore(store, reference.name);
  const endpoints = pullEndpoints(reference.domain, settingsOf(options));
  const pulled = await fromFirst(endpoints, options.signal, (endpoint) =>
    importFrom(store, reference, endpoint, options),
  );
  return { ...pulled, isNew: before !== pulled.digest };
}

/** The tags of a repository, as references. */
export async function listRemoteTags(
  reference: RegistryReference,
  options: RegistryOptions,
): Promise<readonly RegistryReference[]> {
  const { domain, path } = reference;
  const endpoints = pullEndpoints(domain, settingsOf(options));
  const own = clientOptions(options);
  const tags = await fromFirst(endpoints, options.signal, (endpoint) =>
    fetchTags(clientFor(endpoint, path, own), path, `${domain}/${path}`),
  );
  return tags.flatMap((tag) => {
    const parsed = parseReference(`${domain}/${path}:${tag}`);
    return parsed.transport === "registry" ? [parsed] : [];
  });
}

/** What a name stands for now; a reference that cannot be read stands for nothing. */
function digestInStore(store: Store, name: string): string | undefined {
  try {
    return readReference(store, name)?.digest;
  } catch (error) {
    if (error instanceof ImageError) return undefined;
    throw error;
  }
}
