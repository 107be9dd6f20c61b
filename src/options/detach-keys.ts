/**
 * `--detach-keys`: what to type to leave a container, as docker writes it: characters and `ctrl-X`,
 * with commas between them.
 */

/** ctrl-p, ctrl-q. */
const defaultKeys = "ctrl-p,ctrl-q";

/** What `ctrl-` goes with beside letters, in the order of their codes from 27 on. */
const controlSigns = "[\\]^_";

function codeOf(key: string): number | null {
  const lower = key.toLowerCase();
  if (key.length === 1 && key.charCodeAt(0) < 128) return key.charCodeAt(0);
  if (!lower.startsWith("ctrl-") || key.length !== 6) return null;
  const sign = lower.charAt(5);
  if (sign === "@") return 0;
  if (sign >= "a" && sign <= "z") return sign.charCodeAt(0) - 96;
  const index = controlSigns.indexOf(sign);
  return index < 0 ? null : 27 + index;
}

/** The bytes, or null when a part is none of the keys; nothing is no keys at all. */
export function parseDetachKeys(text: string | null): Uint8Array | null {
  const keys = text ?? defaultKeys;
  if (keys === "") return new Uint8Array();
  const codes = keys.split(",").map(codeOf);
  const known = codes.filter((code) => code !== null);
  return known.length === codes.length && known.length <= 64 ? Uint8Array.from(known) : null;
}
