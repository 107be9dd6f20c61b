/** Manifests and tags of a repository, as the registry has them. */

import { checkContent, digestOf } from "../image/blob.ts";
import { parseObject, readString, readStrings } from "../image/document.ts";
import { ImageError, quote } from "../image/error.ts";
import {
  type Descriptor,
  documentTypes,
  isIndexType,
  isManifestType,
  ociManifestType,
} from "../image/manifest.ts";
import { isDigest } from "../image/reference.ts";
import type { RegistryClient } from "./client.ts";

/** A manifest or index, and the descriptor that its bytes make. */
export interface FetchedManifest {
  readonly descriptor: Descriptor;
  readonly bytes: Buffer;
}

const tagsMax = 10_000;

/** What the document says it is, or else what the server says. */
function mediaTypeOf(bytes: Buffer, header: string | null, what: string): string {
  const own = readString(parseObject(bytes, what), "mediaType", { document: what, field: "" });
  const said = own ?? header?.replace(/;.*$/, "").trim().toLowerCase() ?? "";
  if (isManifestType(said) || isIndexType(said)) return said;
  if (/manifest\.v1\+(json|prettyjws)$/.test(said)) {
    throw new ImageError(
      "unsupported",
      `${what} is of schema 1, which nobody makes any more: push the image again`,
    );
  }
  return own ?? ociManifestType;
}

/**
 * @param reference a tag or a digest; what comes for a digest has that digest
 * @param name of the image, for messages
 */
export async function fetchManifest(
  client: RegistryClient,
  repository: string,
  reference: string,
  name: string,
): Promise<FetchedManifest> {
  const what = `manifest of ${name}`;
  const { answer, bytes } = await client.document({
    method: "GET",
    path: `v2/${repository}/manifests/${reference}`,
    headers: { Accept: documentTypes.join(", ") },
    accept: [200],
    what,
  });
  const content = { digest: digestOf(bytes), size: bytes.length };
  const said = answer.headers.get("docker-content-digest");
  const promised = isDigest(reference) ? reference : said;
  if (promised !== null && isDigest(promised)) {
    checkContent(content, { digest: promised, size: content.size }, what);
  }
  const mediaType = mediaTypeOf(bytes, answer.headers.get("content-type"), what);
  return { descriptor: { mediaType, ...content }, bytes };
}

/** The next page of a list: `</v2/app/tags/list?last=b>; rel="next"`. */
function nextPage(link: string | null, from: URL): URL | undefined {
  const [, target] = /<([^>]{1,2000})>\s*;\s*rel="?next"?/.exec(link ?? "") ?? [];
  return target === undefined ? undefined : new URL(target, from);
}

/** All tags of a repository, in the registry's order. */
export async function fetchTags(
  client: RegistryClient,
  repository: string,
  name: string,
): Promise<readonly string[]> {
  const what = `tags of ${name}`;
  const tags: string[] = [];
  let path: string | URL | undefined = `v2/${repository}/tags/list?n=1000`;
  while (path !== undefined) {
    const request = { method: "GET", path, accept: [200], what } as const;
    const { answer, bytes } = await client.document(request);
    const page = readStrings(parseObject(bytes, what), "tags", { document: what, field: "" }) ?? [];
    const strange = page.find((tag) => !/^\w[\w.-]{0,127}$/.test(tag));
    if (strange !== undefined) {
      throw new ImageError("registry", `${what}: ${quote(strange)} is not a tag`);
    }
    tags.push(...page);
    if (tags.length > tagsMax) {
      throw new ImageError("limit", `${name} has more than ${tagsMax} tags: name those you want`);
    }
    path = page.length === 0 ? undefined : nextPage(answer.headers.get("link"), answer.url);
  }
  return tags;
}
