/** A registry in memory, which does what it is told to do wrong, and remembers what it was asked. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { digestOf } from "../../image/blob.ts";
import type { TestImage } from "../../image/testing/image.ts";

export interface Asked {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What takes a request away from the registry. True: it was answered. */
export type Trick = (asked: Asked, response: ServerResponse) => boolean | Promise<boolean>;

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

export function answer(
  response: ServerResponse,
  status: number,
  headers: Record<string, string> = {},
  body: string | Buffer = "",
): true {
  response.writeHead(status, { "Content-Length": String(Buffer.byteLength(body)), ...headers });
  response.end(body);
  return true;
}

export function refuse(response: ServerResponse, status: number, code: string): true {
  const body = JSON.stringify({ errors: [{ code, message: code.toLowerCase() }] });
  return answer(response, status, { "Content-Type": "application/json" }, body);
}

export class FakeRegistry {
  readonly asked: Asked[] = [];
  readonly blobs = new Map<string, Buffer>();
  readonly manifests = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  readonly uploads = new Map<string, Buffer>();
  /** Asked in order before the registry itself. */
  readonly tricks: Trick[] = [];
  knowsRanges = true;
  readonly #server: Server;
  #port = 0;
  #count = 0;

  private constructor() {
    this.#server = createServer((request, response) => void this.#take(request, response));
  }

  static async start(): Promise<FakeRegistry> {
    const registry = new FakeRegistry();
    registry.#server.listen(0, "127.0.0.1");
    await once(registry.#server, "listening");
    registry.#port = (registry.#server.address() as AddressInfo).port;
    return registry;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** `127.0.0.1:PORT`, which is another origin than `localhost:PORT`. */
  get host(): string {
    return `127.0.0.1:${this.#port}`;
  }

  get otherHost(): string {
    return `localhost:${this.#port}`;
  }

  /** Puts an image there; the reference's tag stands for its manifest. */
  add(image: TestImage, reference: string): void {
    for (const bytes of image.blobs) this.blobs.set(digestOf(bytes), bytes);
    const bytes = this.blobs.get(image.manifest.digest) ?? Buffer.of();
    this.addManifest(image.manifest.mediaType, bytes, reference);
  }

  addManifest(type: string, bytes: Buffer, reference: string): void {
    const [repository = "", tag = ""] = reference.split(":");
    this.manifests.set(`${repository}/manifests/${digestOf(bytes)}`, { type, bytes });
    this.manifests.set(`${repository}/manifests/${tag}`, { type, bytes });
  }

  /** Answers the next requests that match in another way, so many times. */
  trick(path: RegExp, times: number, play: (asked: Asked, response: ServerResponse) => void): void {
    let left = times;
    this.tricks.push((asked, response) => {
      if (left <= 0 || !path.test(`${asked.method} ${asked.path}`)) return false;
      left -= 1;
      play(asked, response);
      return true;
    });
  }

  /** How often it was asked so. */
  count(pattern: RegExp): number {
    return this.asked.filter(({ method, path }) => pattern.test(`${method} ${path}`)).length;
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked: Asked = {
      method: request.method ?? "",
      path: request.url ?? "",
      headers: request.headers,
      body: await readBody(request),
    };
    this.asked.push(asked);
    for (const trick of this.tricks) if (await trick(asked, response)) return;
    this.#answer(asked, response);
  }

  #answer(asked: Asked, response: ServerResponse): true {
    const url = new URL(asked.path, "http://registry");
    const path = url.pathname.replace(/^\/v2\//, "");
    if (path === "") return answer(response, 200);
    const [, repository = ""] = /^(.+?)\/(?:blobs|manifests|tags)\//.exec(path) ?? [];
    if (path.includes("/blobs/uploads/")) return this.#upload(asked, url, repository, response);
    if (path.includes("/blobs/")) return this.#blob(asked, path, response);
    if (path.endsWith("/tags/list")) return this.#tags(repository, response);
    if (asked.method === "PUT") {
      const type = asked.headers["content-type"] ?? "";
      this.addManifest(type, asked.body, `${repository}:${path.replace(/^.*\//, "")}`);
      return answer(response, 201, { "Docker-Content-Digest": digestOf(asked.body) });
    }
    const found = this.manifests.get(path);
    if (found === undefined) return refuse(response, 404, "MANIFEST_UNKNOWN");
    return answer(response, 200, { "Content-Type": found.type }, found.bytes);
  }

  #tags(repository: string, response: ServerResponse): true {
    const prefix = `${repository}/manifests/`;
    const tags = [...this.manifests.keys()]
      .filter((key) => key.startsWith(prefix) && !key.includes("sha256:"))
      .map((key) => key.slice(prefix.length));
    return answer(response, 200, {}, JSON.stringify({ name: repository, tags }));
  }

  #blob({ method, headers }: Asked, path: string, response: ServerResponse): true {
    const bytes = this.blobs.get(path.replace(/^.*\//, ""));
    if (bytes === undefined) return refuse(response, 404, "BLOB_UNKNOWN");
    if (method === "HEAD") return answer(response, 200);
    const [, from] = /^bytes=(\d+)-$/.exec(headers.range ?? "") ?? [];
    if (from === undefined || !this.knowsRanges) return answer(response, 200, {}, bytes);
    const range = `bytes ${from}-${bytes.length - 1}/${bytes.length}`;
    return answer(response, 206, { "Content-Range": range }, bytes.subarray(Number(from)));
  }

  #upload(asked: Asked, url: URL, repository: string, response: ServerResponse): true {
    const id = url.pathname.replace(/^.*\//, "");
    const at = (upload: string) => ({
      Location: `/v2/${repository}/blobs/uploads/${upload}?s=a%3D`,
    });
    if (asked.method === "POST") {
      const mount = url.searchParams.get("mount");
      if (mount !== null && this.blobs.has(mount)) return answer(response, 201);
      const upload = `upload-${this.#count++}`;
      this.uploads.set(upload, Buffer.of());
      return answer(response, 202, at(upload));
    }
    const known = this.uploads.get(id);
    if (known === undefined || url.searchParams.get("s") !== "a=") {
      return refuse(response, 404, "BLOB_UPLOAD_UNKNOWN");
    }
    const all = Buffer.concat([known, asked.body]);
    this.uploads.set(id, all);
    const range = { Range: `0-${Math.max(0, all.length - 1)}` };
    if (asked.method === "GET") return answer(response, 204, { ...at(id), ...range });
    if (asked.method === "PATCH") return answer(response, 202, { ...at(id), ...range });
    const digest = url.searchParams.get("digest") ?? "";
    if (digestOf(all) !== digest) return refuse(response, 400, "DIGEST_INVALID");
    this.blobs.set(digest, all);
    return answer(response, 201);
  }
}
