/**
 * Gets a token for a registry from where the registry says they are to be had.
 *
 * @see https://distribution.github.io/distribution/spec/auth/token/
 * @see https://distribution.github.io/distribution/spec/auth/oauth/
 */
import { gather } from "../image/blob-source.ts";
import { parseObject, readString } from "../image/document.ts";
import { ImageError, quote } from "../image/error.ts";
import { isLoopback } from "./address.ts";
import type { Challenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { type Answer, type Exchange, exchangeWith } from "./exchange.ts";
import { type Patience, TransientError } from "./patience.ts";
import { describeRefusal, isBusy } from "./refusal.ts";

export interface TokenRequest {
  readonly challenge: Extract<Challenge, { scheme: "bearer" }>;
  /** `repository:library/busybox:pull`; none: only who we are. */
  readonly scopes: readonly string[];
  readonly credentials: Credentials | undefined;
  /** The registry that asks for it. */
  readonly registry: URL;
  readonly isUnverified: boolean;
  readonly authorities?: readonly string[] | undefined;
  /** Ask for something to keep in place of the password. */
  readonly wantsIdentity?: boolean;
  readonly patience: Patience;
  readonly signal?: AbortSignal | undefined;
}

export interface Token {
  readonly token: string;
  /** To be kept in place of the password. */
  readonly identity: string | undefined;
}

const tokenBytesMax = 512 * 1024;
const clientId = "pivot";

export function basicAuthorization(username: string, password: string): string {
  return `Basic ${Buffer.from(`${username}:${password}`, "utf8").toString("base64")}`;
}

/**
 * Where the token is to be had. A realm on another host is the rule (Docker Hub's), and is given the
 * password: so it has to be encrypted, and must not be this machine, unless the registry is.
 */
function checkRealm({ challenge, registry, isUnverified }: TokenRequest): URL {
  const said = `${registry.host} says that tokens are to be had at ${quote(challenge.realm)}`;
  let realm: URL;
  try {
    realm = new URL(challenge.realm);
  } catch (cause) {
    throw new ImageError("registry", `${said}, which is no address`, { cause });
  }
  if (realm.protocol !== "https:" && realm.protocol !== "http:") {
    throw new ImageError("registry", `${said}: only https is used for that`);
  }
  realm.username = "";
  realm.password = "";
  if (realm.origin === registry.origin) return realm;
  const isLocal = isLoopback(registry.host);
  if (isLoopback(realm.host)) {
    if (isLocal) return realm;
    throw new ImageError("registry", `${said}, which is this machine: not asked`);
  }
  if (realm.protocol === "http:" && !(isUnverified && realm.hostname === registry.hostname)) {
    throw new ImageError("registry", `${said}, which is not encrypted: not asked`);
  }
  // Whoever sits between us and a plain registry could name a realm of its own.
  if (registry.protocol === "http:" && !isLocal && realm.hostname !== registry.hostname) {
    throw new ImageError("registry", `${said}, but is not encrypted itself: not asked`);
  }
  return realm;
}

function exchangeFor(request: TokenRequest): Exchange {
  const { challenge, scopes, credentials, isUnverified, patience, signal, wantsIdentity } = request;
  const url = checkRealm(request);
  const shared = {
    // An insecure registry's own token server is as insecure; any other one is not.
    isUnverified: isUnverified && url.hostname === request.registry.hostname,
    authorities: request.authorities,
    patience,
    signal,
  };
  if (credentials?.kind === "identity") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      client_id: clientId,
      refresh_token: credentials.token,
    });
    if (challenge.service !== undefined) form.set("service", challenge.service);
    if (scopes.length > 0) form.set("scope", scopes.join(" "));
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    return { ...shared, method: "POST", url, headers, body: form.toString() };
  }
  if (challenge.service !== undefined) url.searchParams.set("service", challenge.service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  if (credentials === undefined) return { ...shared, method: "GET", url };
  url.searchParams.set("account", credentials.username);
  if (wantsIdentity === true) {
    url.searchParams.set("client_id", clientId);
    url.searchParams.set("offline_token", "true");
  }
  const authorization = basicAuthorization(credentials.username, credentials.password);
  return { ...shared, method: "GET", url, authorization };
}

async function checkAnswer(answer: Answer, request: TokenRequest): Promise<void> {
  if (answer.status === 200) return;
  const why = await describeRefusal(answer);
  const host = request.registry.host;
  if (isBusy(answer.status)) {
    throw new TransientError(`the token server of ${host} answers ${why}`);
  }
  if ([400, 401, 403].includes(answer.status)) {
    const who = request.credentials === undefined ? "wants a login" : "refuses the login";
    throw new ImageError("unauthorized", `${host} ${who}: ${why}`);
  }
  throw new ImageError("registry", `the token server of ${host} answers ${why}`);
}

/** What goes into a header has to be fit for it. */
function checkToken(token: string, document: string): string {
  if (/^[\x21-\x7e]+$/.test(token)) return token;
  throw new ImageError("registry", `${document} holds a token that no header can hold`);
}

/** @throws ImageError `unauthorized`, `registry`; TransientError */
export async function fetchToken(request: TokenRequest): Promise<Token> {
  const answer = await exchangeWith(exchangeFor(request));
  await checkAnswer(answer, request);
  const document = `the answer of the token server of ${request.registry.host}`;
  const object = parseObject(await gather(answer.body(), tokenBytesMax, document), document);
  const place = { document, field: "" };
  const token = readString(object, "token", place) || readString(object, "access_token", place);
  if (token === undefined || token === "") {
    throw new ImageError("registry", `${document} holds no token`);
  }
  const identity = readString(object, "refresh_token", place);
  return { token: checkToken(token, document), identity: identity === "" ? undefined : identity };
}
