/**
 * Speaks to one registry as the OCI distribution specification has it: finds out how it is reached,
 * proves who we are when it asks, and tries again what may go well next time.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
import { gather } from "../image/blob-source.ts";
import { ImageError } from "../image/error.ts";
import { documentBytesMax } from "../image/manifest.ts";
import type { Endpoint } from "./address.ts";
import { authoritiesOf, machineAuthorities } from "./certificates.ts";
import { type Challenge, parseChallenge } from "./challenge.ts";
import type { Credentials, FindCredentials } from "./credentials.ts";
import { type Answer, type Exchange, exchangeWith } from "./exchange.ts";
import { type Patience, Retries, readRetryAfter, TransientError } from "./patience.ts";
import { describeRefusal, isBusy } from "./refusal.ts";
import { basicAuthorization, fetchToken } from "./token.ts";

export interface ClientOptions {
  readonly findCredentials: FindCredentials;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
  /** Whose certificates are trusted for a host; docker's and podman's files say unless given. */
  readonly authoritiesOf?: (host: string) => readonly string[] | undefined;
  /** Told before something is tried again after `delay` milliseconds. */
  readonly onRetry?: ((why: string, delay: number) => void) | undefined;
}

export interface RegistryRequest {
  readonly method: Exchange["method"];
  /** Below the registry's address, or a whole URL that the registry has given. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Blob | string;
  /** Statuses that are no failure. */
  readonly accept: readonly number[];
  /** What is being done, for messages: `manifest latest of localhost:5000/app`. */
  readonly what: string;
  /** False: whoever asks tries again by itself. */
  readonly retry?: boolean;
}

type Reached = {
  readonly base: URL;
  readonly challenge: Challenge | undefined;
  /** Whose certificates are trusted, if the runtime's own choice is not enough. */
  readonly authorities: readonly string[] | undefined;
};

/** A way to reach a registry. */
type Way = Pick<Reached, "base" | "authorities">;

/** A registry, for what is done there in one repository (or in none). */
export class RegistryClient {
  readonly endpoint: Endpoint;
  readonly #options: ClientOptions;
  readonly #repository: string;
  readonly #scopes: readonly string[];
  #reached: Promise<Reached> | undefined;
  #authorization: Promise<string | undefined> | undefined;

  /**
   * @param repository its path; "" for none
   * @param scopes what is asked for: `repository:library/busybox:pull`
   */
  constructor(
    endpoint: Endpoint,
    repository: string,
    scopes: readonly string[],
    options: ClientOptions,
  ) {
    this.endpoint = endpoint;
    this.#repository = repository;
    this.#scopes = scopes;
    this.#options = options;
  }

  get patience(): Patience {
    return this.#options.patience;
  }

  get signal(): AbortSignal | undefined {
    return this.#options.signal;
  }

  retries(): Retries {
    return new Retries(this.patience, this.signal, this.#options.onRetry);
  }

  /** Finds out by which scheme it answers, and what it wants to see. */
  reach(): Promise<Reached> {
    this.#reached ??= this.#reach();
    return this.#reached;
  }

  async #reach(): Promise<Reached> {
    const { host, schemes } = this.endpoint;
    const authorities = (this.#options.authoritiesOf ?? authoritiesOf)(host);
    let failure: unknown;
    for (const scheme of schemes) {
      const way = { base: new URL(`${scheme}://${host}/`), authorities };
      const isLast = scheme === schemes.at(-1);
      try {
        return await (isLast ? this.#again(() => this.#tryWay(way)) : this.#tryWay(way));
      } catch (error) {
        this.signal?.throwIfAborted();
        failure = error;
      }
    }
    const isUntrusted = failure instanceof ImageError && failure.code === "untrusted";
    if (!isUntrusted || authorities !== undefined) throw asImageError(failure);
    // The machine may trust whom the runtime does not know.
    const base = new URL(`https://${host}/`);
    return this.#again(() => this.#tryWay({ base, authorities: machineAuthorities() }));
  }

  async #tryWay(way: Way): Promise<Reached> {
    const answer = await this.#send(way, { method: "GET", path: "v2/", accept: [], what: "" });
    if (isBusy(answer.status)) throw await this.#busy(answer);
    const header = answer.headers.get("www-authenticate");
    await answer.discard();
    return { ...way, challenge: answer.status === 401 ? parseChallenge(header) : undefined };
  }

  /** Asks whether an authorization is taken; any answer is one. */
  async probe(authorization: string): Promise<Answer> {
    const way = await this.reach();
    const request: RegistryRequest = { method: "GET", path: "v2/", accept: [], what: "" };
    return this.#again(async () => {
      const answer = await this.#send(way, request, authorization);
      if (isBusy(answer.status)) throw await this.#busy(answer);
      return answer;
    });
  }

  /** Sends a request; the answer has one of the statuses that are accepted. */
  async request(request: RegistryRequest): Promise<Answer> {
    return request.retry === false
      ? this.#authorized(request)
      : this.#again(() => this.#authorized(request));
  }

  /** The same with a body that fits in memory, which is asked for again when it breaks off. */
  document(request: RegistryRequest): Promise<{ readonly answer: Answer; readonly bytes: Buffer }> {
    return this.#again(async () => {
      const answer = await this.#authorized(request);
      return { answer, bytes: await gather(answer.body(), documentBytesMax, request.what) };
    });
  }

  async #again<T>(attempt: () => Promise<T>): Promise<T> {
    const retries = this.retries();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        await retries.after(error).catch((final: unknown) => {
          throw asImageError(final);
        });
      }
    }
  }

  async #send(
    { base, authorities }: Way,
    request: RegistryRequest,
    authorization?: string,
  ): Promise<Answer> {
    const { method, path, headers, body } = request;
    const url = typeof path === "string" ? new URL(path, base) : path;
    return exchangeWith({
      method,
      url,
      ...(headers && { headers }),
      ...(body !== undefined && { body }),
      // An address that the registry has given may be anybody's.
      authorization: url.origin === base.origin ? authorization : undefined,
      isUnverified: this.endpoint.isUnverified && url.hostname === base.hostname,
      authorities,
      patience: this.patience,
      signal: this.signal,
    });
  }

  async #authorized(request: RegistryRequest): Promise<Answer> {
    const way = await this.reach();
    const { base, challenge } = way;
    if (challenge !== undefined) this.#authorization ??= this.#authorize(challenge, way);
    const answer = await this.#send(way, request, await this.#awaitAuthorization());
    if (request.accept.includes(answer.status)) return answer;
    if (answer.status !== 401 || answer.url.origin !== base.origin) {
      throw await this.#refused(answer, request);
    }
    // The first time it asks, or a token that has run out.
    const asked = parseChallenge(answer.headers.get("www-authenticate"));
    if (asked === undefined) throw await this.#refused(answer, request);
    await answer.discard();
    this.#authorization = this.#authorize(asked, way);
    const second = await this.#send(way, request, await this.#awaitAuthorization());
    if (request.accept.includes(second.status)) return second;
    throw await this.#refused(second, request);
  }

  async #awaitAuthorization(): Promise<string | undefined> {
    try {
      return await this.#authorization;
    } catch (error) {
      this.#authorization = undefined; // the next attempt asks again
      throw error;
    }
  }

  async #authorize(challenge: Challenge, way: Way): Promise<string | undefined> {
    const credentials = await this.#options.findCredentials(this.endpoint.name, this.#repository);
    return authorizationFor(challenge, credentials, {
      ...way,
      scopes:
        this.#scopes.length === 0 && challenge.scheme === "bearer" && challenge.scope !== undefined
          ? challenge.scope.split(" ")
          : this.#scopes,
      isUnverified: this.endpoint.isUnverified,
      patience: this.patience,
      signal: this.signal,
    });
  }

  async #busy(answer: Answer): Promise<TransientError> {
    const wait = readRetryAfter(answer.headers.get("retry-after"), Date.now());
    return new TransientError(`${answer.url.host} answers ${await describeRefusal(answer)}`, {
      wait,
    });
  }

  async #refused(answer: Answer, { what }: RegistryRequest): Promise<Error> {
    if (isBusy(answer.status)) return this.#busy(answer);
    const { name } = this.endpoint;
    const why = await describeRefusal(answer);
    const doing = this.#scopes.some((scope) => scope.endsWith(",push")) ? "push" : "get";
    if (answer.status === 401 || answer.status === 403) {
      const target = name === "docker.io" ? "" : ` ${name}`;
      const hint =
        answer.url.host === this.endpoint.host
          ? `: it is not there, or not for everybody; \`pivot login${target}\` says who you are`
          : "";
      return new ImageError(
        "unauthorized",
        `cannot ${doing} ${what}: ${answer.url.host} answers ${why}${hint}`,
      );
    }
    const isGone = answer.status === 404;
    const hint =
      isGone && what.startsWith("manifest of ")
        ? ": it has no such image, or no such tag of it"
        : "";
    return new ImageError(
      isGone ? "not-found" : "registry",
      `cannot ${doing} ${what}: ${answer.url.host} answers ${why}${hint}`,
    );
  }
}

/** What was tried often enough is a failure like any other. */
export function asImageError(error: unknown): unknown {
  if (!(error instanceof TransientError)) return error;
  const wait =
    error.wait === undefined ? "" : `; it asks to wait for ${Math.ceil(error.wait / 1000)} s`;
  return new ImageError("unreachable", `${error.message}${wait}`, { cause: error });
}

/** The header that answers a challenge; undefined: nothing to say. */
export async function authorizationFor(
  challenge: Challenge,
  credentials: Credentials | undefined,
  about: Way & {
    readonly scopes: readonly string[];
    readonly isUnverified: boolean;
    readonly patience: Patience;
    readonly signal: AbortSignal | undefined;
  },
): Promise<string | undefined> {
  if (challenge.scheme === "basic") {
    if (credentials?.kind !== "password") return undefined;
    return basicAuthorization(credentials.username, credentials.password);
  }
  const { base: registry, ...rest } = about;
  const { token } = await fetchToken({ challenge, credentials, registry, ...rest });
  return `Bearer ${token}`;
}
