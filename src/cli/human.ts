/**
 * Sizes and times as docker writes them, by github.com/docker/go-units, and docker's short ids and
 * texts.
 */

const decimal = ["B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB"] as const;
const binary = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"] as const;

/** Go's `%.4g` for what is smaller than the next unit. */
function scaled(bytes: number, base: number, units: readonly string[], digits: number): string {
  let value = bytes;
  let unit = 0;
  for (; value >= base && unit < units.length - 1; unit++) value /= base;
  let rounded = Number(value.toPrecision(digits));
  // go-units would write 1e+03kB here.
  if (rounded >= base && unit < units.length - 1) {
    rounded /= base;
    unit++;
  }
  return `${rounded}${units[unit]}`;
}

/** `7.8MB`, `1.24kB`: decimal, with three digits in listings, four in go-units' own default. */
export const humanSize = (bytes: number, digits = 4): string =>
  scaled(bytes, 1000, decimal, digits);

/** `62.5MiB`, of memory. */
export const binarySize = (bytes: number): string => scaled(bytes, 1024, binary, 4);

/** "Less than a second", "47 seconds", "About an hour", "2 weeks". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < 1) return "Less than a second";
  if (seconds === 1) return "1 second";
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return "About a minute";
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(milliseconds / 3_600_000 + 0.5);
  if (hours === 1) return "About an hour";
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(days / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(days / 30)} months`;
  return `${Math.trunc(milliseconds / 3_600_000 / 24 / 365)} years`;
}

/** "2 weeks ago", of milliseconds since the epoch. */
export const ago = (then: number, now: number = Date.now()): string =>
  `${humanDuration(Math.max(0, now - then))} ago`;

/** `1 word`, `2 words`. */
export const counted = (number: number, noun: string): string =>
  `${number} ${noun}${number === 1 ? "" : "s"}`;

/** The first twelve digits of an id or digest: `sha256:` is left out. */
export const shortId = (id: string): string => id.replace(/^sha256:/, "").slice(0, 12);

/** At most so many characters, of which the last is `…` when something was cut, as docker does. */
export function ellipsis(text: string, most: number): string {
  const characters = [...text];
  if (characters.length <= most) return text;
  return `${characters.slice(0, Math.max(0, most - 1)).join("")}…`;
}
