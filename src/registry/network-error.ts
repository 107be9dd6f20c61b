/** What the network says when a connection fails, by code, and in words. */

const passing: ReadonlySet<string> = new Set([
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EAI_AGAIN",
  "ConnectionClosed",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
]);

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "connection refused",
  ConnectionRefused: "connection refused",
  ENOTFOUND: "no such host",
  EAI_AGAIN: "the name server does not answer",
  ENETUNREACH: "network is unreachable",
  EHOSTUNREACH: "no route to host",
  ECONNRESET: "the connection was closed in the middle",
  EPIPE: "the connection was closed in the middle",
  ETIMEDOUT: "connection timed out",
  EPROTO: "it does not speak TLS there",
};

/** The code of an error of fetch: its own with Bun, its cause's with Node. */
export function networkCode(error: unknown): string {
  for (let at = error, depth = 0; at instanceof Error && depth < 4; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return "";
}

export const isPassing = (code: string): boolean => passing.has(code);

export const isCertificateError = (code: string): boolean =>
  /CERT|SIGNATURE|ERR_TLS|SELF_SIGNED|UNABLE_TO/.test(code);

/** What lies at the bottom of it: Node's fetch only says that it failed. */
function innermost(error: unknown): unknown {
  let at = error;
  for (let depth = 0; at instanceof Error && at.cause instanceof Error && depth < 4; depth++) {
    at = at.cause;
  }
  return at;
}

export function networkWords(error: unknown): string {
  const code = networkCode(error);
  if (isCertificateError(code)) return `its certificate is not trusted (${code})`;
  const known = Object.hasOwn(words, code) ? words[code] : undefined;
  if (known !== undefined) return known;
  if (code !== "") return code;
  const inner = innermost(error);
  return inner instanceof Error ? inner.message : String(inner);
}
