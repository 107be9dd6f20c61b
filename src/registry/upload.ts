/**
 * Puts one blob into a repository: not at all if it is there, by name if the registry has it
 * elsewhere, in one piece if it is small, and else in chunks, of which only the last is lost when a
 * connection is.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md#push
 */
import { openAsBlob } from "node:fs";
import type { Content } from "../image/blob.ts";
import type { RegistryClient } from "./client.ts";
import { type Answer, nextAddress } from "./exchange.ts";
import { TransientError } from "./patience.ts";

export type UploadOutcome =
  | { readonly state: "exists" }
  | { readonly state: "mounted"; readonly from: string }
  | { readonly state: "pushed" };

export interface Upload {
  readonly client: RegistryClient;
  readonly repository: string;
  readonly content: Content;
  /** The file that holds it. */
  readonly path: string;
  /** What is larger is sent in pieces of this size. */
  readonly chunkBytes: number;
  /** Repositories of the same registry that are said to have it. */
  readonly mountFrom: readonly string[];
  readonly onBytes?: (done: number) => void;
}

const octets = { "Content-Type": "application/octet-stream" };

async function exists({ client, repository, content }: Upload): Promise<boolean> {
  const answer = await client.request({
    method: "HEAD",
    path: `v2/${repository}/blobs/${content.digest}`,
    accept: [200, 404],
    what: `blob ${content.digest}`,
  });
  await answer.discard();
  return answer.status === 200;
}

const what = ({ content, repository, client }: Upload): string =>
  `blob ${content.digest} to ${client.endpoint.name}/${repository}`;

function locationOf({ client }: Upload, answer: Answer): URL {
  const location = answer.headers.get("location");
  return nextAddress(answer.url, location, client.endpoint.isUnverified);
}

/** Begins an upload. Undefined: the blob was mounted instead. */
async function begin(upload: Upload, from: string | undefined): Promise<URL | undefined> {
  const { client, repository, content } = upload;
  const mount =
    from === undefined
      ? ""
      : `?mount=${encodeURIComponent(content.digest)}&from=${encodeURIComponent(from)}`;
  const answer = await client.request({
    method: "POST",
    path: `v2/${repository}/blobs/uploads/${mount}`,
    accept: [201, 202],
    what: what(upload),
  });
  await answer.discard();
  return answer.status === 201 && from !== undefined ? undefined : locationOf(upload, answer);
}

/** What the registry has given is not written anew: it may be signed. */
function withDigest(location: URL, digest: string): URL {
  const url = new URL(location);
  url.search = `${url.search === "" ? "?" : `${url.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}

async function finish(upload: Upload, location: URL, body: Blob | undefined): Promise<void> {
  const answer = await upload.client.request({
    method: "PUT",
    path: withDigest(location, upload.content.digest),
    headers: octets,
    ...(body === undefined ? {} : { body }),
    accept: [201, 204],
    what: what(upload),
    retry: false,
  });
  await answer.discard();
}

async function sendChunk(upload: Upload, location: URL, file: Blob, start: number): Promise<URL> {
  const end = Math.min(file.size, start + upload.chunkBytes);
  const answer = await upload.client.request({
    method: "PATCH",
    path: location,
    headers: { ...octets, "Content-Range": `${start}-${end - 1}` },
    body: file.slice(start, end),
    accept: [202, 201, 204],
    what: what(upload),
    retry: false,
  });
  await answer.discard();
  return locationOf(upload, answer);
}

/** How far an interrupted upload has come: bytes, and where it goes on; undefined: it is lost. */
async function askStatus(upload: Upload, location: URL): Promise<[number, URL] | undefined> {
  const answer = await upload.client.request({
    method: "GET",
    path: location,
    accept: [204, 404, 400],
    what: what(upload),
  });
  await answer.discard();
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(answer.headers.get("range") ?? "") ?? [];
  if (answer.status !== 204 || last === undefined) return undefined;
  // An upload without a byte says 0-0, as one with a byte does: the first is taken for granted.
  return [last === "0" ? 0 : Number(last) + 1, locationOf(upload, answer)];
}

/** Sends the whole file, going on after what the registry has when a connection is lost. */
async function send(upload: Upload, first: URL): Promise<void> {
  const { client, content, path, chunkBytes } = upload;
  const file = await openAsBlob(path);
  const retries = client.retries();
  let location = first;
  for (let done = 0; ; ) {
    try {
      if (file.size <= chunkBytes) return await finish(upload, location, file);
      while (done < file.size) {
        location = await sendChunk(upload, location, file, done);
        done = Math.min(file.size, done + chunkBytes);
        retries.madeProgress();
        upload.onBytes?.(done);
      }
      return await finish(upload, location, undefined);
    } catch (error) {
      await retries.after(error);
      // The answer alone may have been lost.
      if (await exists(upload)) return;
      const status = await askStatus(upload, location);
      if (status !== undefined && file.size > chunkBytes) [done, location] = status;
      else [done, location] = [0, await beginAgain(upload)];
      if (done > content.size) throw error;
    }
  }
}

async function beginAgain(upload: Upload): Promise<URL> {
  const location = await begin(upload, undefined);
  if (location === undefined) throw new TransientError("the registry began no upload");
  return location;
}

/** @throws ImageError; TransientError when it was tried often enough; the signal's reason */
export async function pushBlob(upload: Upload): Promise<UploadOutcome> {
  if (await exists(upload)) return { state: "exists" };
  const [from] = upload.mountFrom;
  const location = await begin(upload, from);
  if (location === undefined) return { state: "mounted", from: from ?? "" };
  await send(upload, location);
  return { state: "pushed" };
}
