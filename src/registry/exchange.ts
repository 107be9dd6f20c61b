/**
 * One request and its answer: time-outs, redirects that do not carry credentials away, and bodies
 * that are read no further than somebody wants them.
 */
import { ImageError, quote } from "../image/error.ts";
import { version } from "../version.ts";
import { isLoopback } from "./address.ts";
import { isCertificateError, isPassing, networkCode, networkWords } from "./network-error.ts";
import { type Patience, TransientError } from "./patience.ts";

export interface Exchange {
  readonly method: "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the origin of `url` and to no other. */
  readonly authorization?: string | undefined;
  readonly body?: Blob | string;
  /** Do not look at certificates. */
  readonly isUnverified?: boolean;
  /** Who may have signed certificates, as PEM; what the runtime trusts unless given. */
  readonly authorities?: readonly string[] | undefined;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

/** An answer, whose body is still to come: read it or discard it. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Where it came from in the end. */
  readonly url: URL;
  body(): AsyncGenerator<Buffer>;
  discard(): Promise<void>;
}

const redirectsMax = 5;
/** Bytes a second that an upload has to make. */
const slowestUpload = 16 * 1024;

export const userAgent = `pivot/${version}`;

/** Ends a request when nothing has happened for a while, or when the caller gives up. */
class Watch {
  readonly #controller = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #caller: AbortSignal | undefined;
  readonly #onAbort = () => this.#controller.abort(this.#caller?.reason);
  isLate = false;

  constructor(caller: AbortSignal | undefined) {
    this.#caller = caller;
    caller?.throwIfAborted();
    caller?.addEventListener("abort", this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  expectWithin(milliseconds: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.isLate = true;
      this.#controller.abort(new Error("nothing came"));
    }, milliseconds);
  }

  /** Nothing is expected: whoever reads takes a break. */
  rest(): void {
    clearTimeout(this.#timer);
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener("abort", this.#onAbort);
  }

  abort(): void {
    this.end();
    this.#controller.abort(new Error("not wanted"));
  }
}

/** What went wrong on the way, in words; what may go well next time is marked as such. */
function failure(cause: unknown, watch: Watch, url: URL, signal: AbortSignal | undefined): Error {
  if (signal?.aborted) return signal.reason as Error;
  if (watch.isLate) return new TransientError(`${url.host} stalled`, { cause });
  const message = `cannot reach ${url.host}: ${networkWords(cause)}`;
  if (isPassing(networkCode(cause))) return new TransientError(message, { cause });
  const code = isCertificateError(networkCode(cause)) ? "untrusted" : "unreachable";
  return new ImageError(code, message, { cause });
}

async function* readBody(
  response: Response,
  watch: Watch,
  { patience, url, signal }: Exchange,
): AsyncGenerator<Buffer> {
  if (response.body === null) {
    watch.end();
    return;
  }
  const reader = response.body.getReader();
  let isDone = false;
  try {
    for (;;) {
      watch.expectWithin(patience.stall);
      const next = await reader.read();
      watch.rest();
      if (next.done) break;
      yield Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
    }
    isDone = true;
  } catch (cause) {
    if (cause instanceof ImageError) throw cause;
    throw failure(cause, watch, url, signal);
  } finally {
    if (isDone) watch.end();
    else watch.abort();
  }
}

async function discardBody(response: Response, watch: Watch): Promise<void> {
  // A short one is read to its end, so that the connection can be used again.
  const length = Number(response.headers.get("content-length") ?? Number.NaN);
  if (length <= 64 * 1024) await response.arrayBuffer().catch(() => undefined);
  else await response.body?.cancel().catch(() => undefined);
  watch.end();
}

async function send(exchange: Exchange): Promise<Answer> {
  const { method, url, authorization, body, patience, signal } = exchange;
  const watch = new Watch(signal);
  const upload = body instanceof Blob ? (body.size / slowestUpload) * 1000 : 0;
  watch.expectWithin(patience.answer + upload);
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      headers: {
        "User-Agent": userAgent,
        // Bytes are wanted as they are: their digest is that of what was pushed.
        "Accept-Encoding": "identity",
        ...exchange.headers,
        ...(authorization === undefined ? {} : { Authorization: authorization }),
      },
      ...(body === undefined ? {} : { body }),
      redirect: "manual",
      signal: watch.signal,
      ...fetchExtras(exchange),
    });
  } catch (cause) {
    watch.abort();
    throw failure(cause, watch, url, signal);
  }
  watch.rest();
  return {
    status: response.status,
    headers: response.headers,
    url,
    body: () => readBody(response, watch, exchange),
    discard: () => discardBody(response, watch),
  };
}

/** What only Bun's fetch has: nothing is decompressed on the way, and trust can be said. */
function fetchExtras({ isUnverified, authorities, url }: Exchange): object {
  if (process.versions["bun"] === undefined) return {};
  const plain = { decompress: false, timeout: false };
  if (url.protocol !== "https:") return plain;
  if (isUnverified === true) return { ...plain, tls: { rejectUnauthorized: false } };
  return authorities === undefined ? plain : { ...plain, tls: { ca: authorities } };
}

/**
 * Where a server sends us next.
 *
 * @param from the address that the answer came from
 * @throws ImageError when it leads where no request should go
 */
export function nextAddress(from: URL, location: string | null, isUnverified: boolean): URL {
  const said = `${from.host} leads on to ${quote(location ?? "")}`;
  let target: URL;
  try {
    target = new URL(location || "//", from); // without one there is no address
  } catch (cause) {
    throw new ImageError("registry", `${said}, which is no address`, { cause });
  }
  const isPlain = target.protocol === "http:";
  if (target.protocol !== "https:" && !isPlain) {
    throw new ImageError("registry", `${said}: only http and https are followed`);
  }
  // On this machine, or where the user said so, nothing gets less safe by it.
  const mayBePlain = from.protocol === "http:" && (isUnverified || isLoopback(from.host));
  if (isPlain && !mayBePlain) {
    throw new ImageError("registry", `${said}, which is not encrypted: not followed`);
  }
  if (target.username !== "" || target.password !== "") {
    throw new ImageError("registry", `${from.host} leads on to an address with a password in it`);
  }
  return target;
}

/**
 * Sends a request, and follows the redirects of GET and HEAD.
 *
 * @throws TransientError for what may go well next time; ImageError `unreachable`, `untrusted` or
 * `registry`; the signal's reason
 */
export async function exchangeWith(first: Exchange): Promise<Answer> {
  let current = first;
  for (let hops = 0; ; hops++) {
    const answer = await send(current);
    const isRedirect = [301, 302, 303, 307, 308].includes(answer.status);
    if (!isRedirect || (first.method !== "GET" && first.method !== "HEAD")) return answer;
    await answer.discard();
    if (hops >= redirectsMax) {
      throw new ImageError(
        "registry",
        `${first.url.host} redirects more than ${redirectsMax} times`,
      );
    }
    const location = answer.headers.get("location");
    const url = nextAddress(answer.url, location, first.isUnverified === true);
    const isSameOrigin = url.origin === current.url.origin;
    const { authorization, ...rest } = current;
    // Once it has left the origin it stays without: a way back could have been made by a stranger.
    current = { ...rest, url, ...(isSameOrigin ? { authorization } : { isUnverified: false }) };
  }
}
