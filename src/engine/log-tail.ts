/** Where the last lines of a log file begin: read from its end, however long it is. */

import { readSync } from "node:fs";

const newline = 0x0a;
/** Of an entry: `F` when its line ends with it. See log-file.ts. */
const tagAt = 38;
const whole = 0x46;
const chunkSize = 1 << 16;

/**
 * @param wanted how many lines; pieces of a long line are one
 * @param isNewest what is not finished here goes on nowhere else
 * @returns the offset, and how many lines are still wanted of older files
 */
export function findTail(
  fd: number,
  size: number,
  wanted: number,
  isNewest: boolean,
): { readonly offset: number; readonly left: number } {
  if (wanted === 0) return { offset: size, left: 0 };
  let found = 0;
  let isEnd = isNewest;
  for (const { start, tag } of entriesFromEnd(fd, size)) {
    // A line ends with an entry that is whole; the last one may never have been finished.
    if (tag === whole || isEnd) {
      if (found === wanted) return { offset: start.after, left: 0 };
      found++;
    }
    isEnd = false;
  }
  return { offset: 0, left: wanted - found };
}

type Found = {
  readonly start: { readonly at: number; readonly after: number };
  readonly tag: number;
};

/** The entries from the last to the first; `after` is where the one behind begins. */
function* entriesFromEnd(fd: number, size: number): Generator<Found> {
  let end = size;
  let after = size;
  const tagOf = (at: number): number => {
    const byte = Buffer.alloc(1);
    return readSync(fd, byte, 0, 1, at + tagAt) === 1 ? (byte[0] ?? 0) : 0;
  };
  const chunk = Buffer.allocUnsafe(chunkSize);
  while (end > 0) {
    const from = Math.max(0, end - chunkSize);
    const length = readSync(fd, chunk, 0, end - from, from);
    for (let i = length - 1; i >= 0; i--) {
      const at = from + i + 1;
      // The newline at the very end ends the last entry, and begins none.
      if (chunk[i] !== newline || at === size) continue;
      const tag = at + tagAt < from + length ? (chunk[i + 1 + tagAt] ?? 0) : tagOf(at);
      yield { start: { at, after }, tag };
      after = at;
    }
    end = from;
  }
  if (size > 0) yield { start: { at: 0, after }, tag: tagOf(0) };
}
