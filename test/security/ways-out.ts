// What a link in a root may say to lead out, for the rows about paths.

import type { Canary } from "./canary.ts";

/** Enough to come from any root to `/`. */
const up = "../".repeat(24);

/** Ways to say a path of the host in a link of a container's root; the canary lies beside the root. */
export const waysOut = ({ path }: Canary): readonly string[] => [
  path,
  `../${path.split("/").at(-1)}`,
  `${up}${path.slice(1)}`,
  `/proc/self/root${path}`,
  `/proc/1/root${path}`,
];

/** How many tries there were, in words. */
export const tally = (made: number, refused: number): string =>
  `${made + refused} tries: ${made === 0 ? "each refused" : refused === 0 ? "each inside" : `${made} inside, ${refused} refused`}`;
