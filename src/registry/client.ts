/**
 * Speaks to one registry as the OCI distribution specification has it: finds out how it is reached,
 * proves who we are when it asks, and tries again what may go well next time.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/main/spec.md
 */
import { ImageError } from "../image/error.ts";
import type { Endpoint } from "./address.ts";
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

type Reached = { readonly base: URL; readonly challenge: Challenge | undefined };

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
    let failure: unknown;
    const { schemes } = this.endpoint;
    for (const scheme of schemes) {
      const isLast = scheme === schemes.at(-1);
      const base = new URL(`${scheme}://${this.endpoint.host}/`);
      try {
        const answer = isLast ? await this.#again(() => this.#ping(base)) : await this.#ping(base);
        const challenge =
          answer.status === 401
            ? parseChallenge(answer.headers.get("www-authenticate"))
            : undefined;
        await answer.discard();
        return { base, challenge };
      } catch (error) {
        this.signal?.throwIfAborted();
        failure = error;
      }
    }
    throw asImageError(failure);
  }

  async #ping(base: URL): Promise<Answer> {
    const answer = await this.#send(base, {
      method: "GET",
      path: "v2/",
      accept: [],
      what: "",
    });
    if (isBusy(answer.status)) throw await this.#busy(answer);
    return answer;
  }

  /** Asks whether an authorization is taken; any answer is one. */
  async probe(authorization: string): Promise<Answer> {
    const { base } = await this.reach();
    const request: RegistryRequest = { method: "GET", path: "v2/", accept: [], what: "" };
    return this.#again(async () => {
      const answer = await this.#send(base, request, authorization);
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

  async #send(base: URL, request: RegistryRequest, authorization?: string): Promise<Answer> {
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
      patience: this.patience,
      signal: this.signal,
    });
  }

  async #authorized(request: RegistryRequest): Promise<Answer> {
    const { base, challenge } = await this.reach();
    if (challenge !== undefined) this.#authorization ??= this.#authorize(challenge, base);
    const answer = await this.#send(base, request, await this.#awaitAuthorization());
    if (request.accept.includes(answer.status)) return answer;
    if (answer.status !== 401 || answer.url.origin !== base.origin) {
      throw await this.#refused(answer, request);
    }
    // The first time it asks, or a token that has run out.
    const asked = parseChallenge(answer.headers.get("www-authenticate"));
    if (asked === undefined) throw await this.#refused(answer, request);
    await answer.discard();
    this.#authorization = this.#authorize(asked, base);
    const second = await this.#send(base, request, await this.#awaitAuthorization());
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

  async #authorize(challenge: Challenge, base: URL): Promise<string | undefined> {
    const credentials = await this.#options.findCredentials(this.endpoint.name, this.#repository);
    return authorizationFor(challenge, credentials, {
      base,
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
    const code = answer.status === 404 ? "not-found" : "registry";
    return new ImageError(code, `cannot ${doing} ${what}: ${answer.url.host} answers ${why}`);
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
  about: {
    readonly base: URL;
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
