/** How large a volume is. */

import { type Dirent, lstatSync, readdirSync } from "node:fs";

function entriesOf(directory: string): readonly Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    return []; // gone meanwhile
  }
}

/** Bytes of all files below a directory, as docker counts: what has several names counts once. */
export function directorySize(directory: string): number {
  const seen = new Set<bigint>();
  const waiting = [directory];
  let sum = 0n;
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const entry of entriesOf(next)) {
      const path = `${next}/${entry.name}`;
      if (entry.isDirectory()) {
        waiting.push(path);
        continue;
      }
      const stat = lstatSync(path, { throwIfNoEntry: false, bigint: true });
      if (stat === undefined || seen.has(stat.ino)) continue;
      if (stat.nlink > 1n) seen.add(stat.ino);
      sum += stat.size;
    }
  }
  return Number(sum);
}
