/**
 * Reads what a server wants to see before it answers: the header WWW-Authenticate.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9110#name-www-authenticate
 */

export type Challenge =
  | { readonly scheme: "basic" }
  | {
      readonly scheme: "bearer";
      /** Where the token is to be had, as the server wrote it. */
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

type Raw = { readonly scheme: string; readonly parameters: Map<string, string> };

const headerLengthMax = 16 * 1024;

/** `Bearer realm="…",service="…", Basic realm="…"`: schemes with their parameters. */
function parse(header: string): readonly Raw[] {
  const found: Raw[] = [];
  // A name with `=` after it is a parameter; one without begins the next scheme.
  const pattern = /([!#$%&'*+.^_`|~\w-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?[\s,]*/y;
  for (pattern.lastIndex = 0; pattern.lastIndex < header.length; ) {
    const match = pattern.exec(header);
    if (match === null) break;
    const [, name = "", quoted, bare] = match;
    const value = quoted?.replace(/\\(.)/g, "$1") ?? bare;
    if (value === undefined) found.push({ scheme: name.toLowerCase(), parameters: new Map() });
    else found.at(-1)?.parameters.set(name.toLowerCase(), value);
  }
  return found;
}

/** The challenge to answer, a token before a password; undefined when there is none that is known. */
export function parseChallenge(header: string | null): Challenge | undefined {
  if (header === null || header.length > headerLengthMax) return undefined;
  const all = parse(header);
  for (const { scheme, parameters } of all) {
    const realm = parameters.get("realm");
    if (scheme !== "bearer" || realm === undefined) continue;
    return {
      scheme: "bearer",
      realm,
      service: parameters.get("service"),
      scope: parameters.get("scope"),
    };
  }
  return all.some(({ scheme }) => scheme === "basic") ? { scheme: "basic" } : undefined;
}
