/** What goes wrong with images: an error of one line, with a code for callers to branch on. */

export type ImageErrorCode =
  /** The reference does not follow the grammar. */
  | "invalid-reference"
  /** No such image, tag, blob or file. */
  | "not-found"
  /** What was typed is the beginning of more than one ID. */
  | "ambiguous"
  /** The image is in the store but a layer's directory is not. */
  | "not-unpacked"
  /** A manifest, config, layer or archive is malformed or hostile. */
  | "invalid-image"
  /** Bytes do not have the digest or size that was promised. */
  | "digest-mismatch"
  /** Well-formed, but something that this program or machine cannot do. */
  | "unsupported"
  /** Larger than a limit that the caller can raise. */
  | "limit"
  /** A container or another process is using it. */
  | "busy"
  /** The kernel refused a step of unpacking or removing. */
  | "unpack-failed"
  /** No connection to a registry. */
  | "unreachable"
  /** A registry's certificate is not one that is trusted here. */
  | "untrusted"
  /** A registry wants a login, or another one. */
  | "unauthorized"
  /** A registry answered, but not with what was asked for. */
  | "registry";

/** A failure to find, read, import or unpack an image. `message` is one line, fit for a person. */
export class ImageError extends Error {
  readonly code: ImageErrorCode;
  override readonly name = "ImageError";

  constructor(code: ImageErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

const shownLength = 160;
// DEL, C1 controls and marks that change the direction of writing, which JSON leaves as they are.
const invisible = /[\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

function isPlain(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return false;
  }
  return true;
}

/** Quotes hostile text for a message: one line, no control characters, not endless. */
export function quote(text: string): string {
  const shown = text.length > shownLength ? `${text.slice(0, shownLength)}…` : text;
  // Names are quoted before anything is wrong with them, and compiling the expression takes longer.
  if (isPlain(shown)) return `"${shown}"`;
  return JSON.stringify(shown).replace(
    invisible,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** `error.code` where it is a string, as the errors of node:fs have it. */
export function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return typeof code === "string" ? code : undefined;
}
