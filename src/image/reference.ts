/**
 * Image references as people type them.
 *
 * A registry reference follows docker's grammar (distribution/reference) and its
 * short forms: `busybox` is `docker.io/library/busybox:latest`. Two transports
 * name images that lie in files: `oci:DIR[:REF]` and `docker-archive:FILE[:REF]`.
 */
import { ImageError, quote } from "./error.ts";

/** An image of a registry. */
export interface RegistryReference {
  readonly transport: "registry";
  /** Host, with the port if there is one: `docker.io`, `localhost:5000`, `[::1]:5000`. */
  readonly domain: string;
  /** The repository below the host: `library/busybox`. */
  readonly path: string;
  /** Absent only beside a digest. */
  readonly tag: string | undefined;
  readonly digest: string | undefined;
  /**
   * The normal form, which the store is keyed by: with a digest, the tag is left
   * out, since it has no say any more.
   */
  readonly name: string;
}

/** An image in an OCI layout directory or in an archive of `docker save`. */
export interface FileReference {
  readonly transport: "oci" | "docker-archive";
  /** The directory or file as it was typed. */
  readonly file: string;
  /** Which image there, if it was said. */
  readonly select: string | undefined;
  /** The normal form: the transport, the file, and what was selected. */
  readonly name: string;
}

export type Reference = RegistryReference | FileReference;

// Most references have neither a host nor a tag, and then these are never compiled.
const domainPattern =
  /^(?:(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])(?:\.(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9]))*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?$/;
const tagPattern = /^\w[\w.-]{0,127}$/;

/** Length of the repository's path, as registries have it. */
const pathLengthMax = 255;
const defaultDomain = "docker.io";

/** Whether a text is a digest that this store can hold: `sha256:` and 64 lower-case hex digits. */
export function isDigest(text: string): boolean {
  return text.length === 71 && text.startsWith("sha256:") && isHex(text, 7);
}

/** Whether all from `start` on are lower-case hex digits. A loop is done before an expression is compiled. */
export function isHex(text: string, start = 0): boolean {
  for (let i = start; i < text.length; i++) {
    const code = text.charCodeAt(i);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && (code < 0x61 || code > 0x66)) return false;
  }
  return text.length > start;
}

/** Whether a text can be a tag. */
function isTag(text: string): boolean {
  return tagPattern.test(text);
}

function isAlphanumeric(code: number): boolean {
  return (code >= 0x30 && code <= 0x39) || (code >= 0x61 && code <= 0x7a);
}

/** What may stand between letters and digits of a path: / . _ __ and any number of -. */
function isSeparator(text: string): boolean {
  if (text.length === 1) return "/._-".includes(text);
  if (text === "__") return true;
  for (const c of text) if (c !== "-") return false;
  return true;
}

/** Whether a path is one or more names with slashes between them, as repositories have it. */
function isPath(text: string): boolean {
  let start = 0; // of the separator at hand
  for (let i = 0; i < text.length; i++) {
    if (!isAlphanumeric(text.charCodeAt(i))) continue;
    if (i > start && (start === 0 || !isSeparator(text.slice(start, i)))) return false;
    start = i + 1;
  }
  return text !== "" && start === text.length;
}

function wrong(text: string, why: string): ImageError {
  return new ImageError("invalid-reference", `${quote(text)} is not an image reference: ${why}`);
}

/** The part before the first slash is a host only if it could be no part of a path on docker.io. */
function splitDomain(name: string): [domain: string, path: string] {
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const isHost =
    first.includes(".") ||
    first.includes(":") ||
    first === "localhost" ||
    first !== first.toLowerCase();
  let domain = isHost ? first : defaultDomain;
  let path = isHost ? name.slice(slash + 1) : name;
  if (domain === "index.docker.io") domain = defaultDomain;
  if (domain === defaultDomain && !path.includes("/")) path = `library/${path}`;
  return [domain, path];
}

function parseRegistry(text: string): RegistryReference {
  const at = text.indexOf("@");
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const tagged = at < 0 ? text : text.slice(0, at);
  if (digest !== undefined && !isDigest(digest)) {
    throw wrong(text, "after @ there must be sha256: and 64 lower-case hex digits");
  }
  // A colon after the last slash begins a tag; one before it, a port.
  const colon = tagged.indexOf(":", tagged.lastIndexOf("/") + 1);
  const bare = colon < 0 ? tagged : tagged.slice(0, colon);
  const typedTag = colon < 0 ? undefined : tagged.slice(colon + 1);
  if (typedTag !== undefined && !isTag(typedTag)) {
    throw wrong(text, `${quote(typedTag)} is not a tag (letters, digits, _ . -, at most 128)`);
  }
  if (bare === "") throw wrong(text, "the name is empty");
  if (bare.length === 64 && isHex(bare)) {
    throw wrong(text, "64 hex digits are an image ID, which cannot be the name of a repository");
  }
  const [domain, path] = splitDomain(bare);
  if (domain !== defaultDomain && !domainPattern.test(domain))
    throw wrong(text, `${quote(domain)} is not a host name`);
  if (path !== path.toLowerCase()) throw wrong(text, "the repository's name must be lower case");
  if (!isPath(path)) {
    throw wrong(
      text,
      `${quote(path)} is not the name of a repository (a-z 0-9 with . _ - between)`,
    );
  }
  if (path.length > pathLengthMax) {
    throw wrong(text, `the repository's name is longer than ${pathLengthMax} characters`);
  }
  const tag = typedTag ?? (digest === undefined ? "latest" : undefined);
  const name = `${domain}/${path}${digest === undefined ? `:${tag}` : `@${digest}`}`;
  return { transport: "registry", domain, path, tag, digest, name };
}

function parseFile(transport: FileReference["transport"], text: string): FileReference {
  const rest = text.slice(transport.length + 1);
  const colon = rest.indexOf(":");
  const file = colon < 0 ? rest : rest.slice(0, colon);
  const select = colon < 0 ? undefined : rest.slice(colon + 1);
  const what = transport === "oci" ? "directory" : "file";
  if (file === "") throw wrong(text, `${transport}: must be followed by a ${what}`);
  if (text.includes("\0")) throw wrong(text, "it holds a NUL byte");
  if (select === "") throw wrong(text, `nothing follows the colon after the ${what}`);
  return { transport, file, select, name: fileReferenceName(transport, file, select) };
}

/** The normal form of a reference to an image in a file, which should be an absolute path. */
export function fileReferenceName(
  transport: FileReference["transport"],
  file: string,
  select: string | undefined,
): string {
  return `${transport}:${file}${select === undefined ? "" : `:${select}`}`;
}

/**
 * Parses a reference and completes its short forms.
 *
 * @throws ImageError `invalid-reference`, one line that says which part is wrong.
 */
export function parseReference(text: string): Reference {
  if (text.startsWith("oci:")) return parseFile("oci", text);
  if (text.startsWith("docker-archive:")) return parseFile("docker-archive", text);
  return parseRegistry(text);
}
