/**
 * Subordinate ids: the ranges of the host's ids that a user may hand to user namespaces, as
 * /etc/subuid and /etc/subgid have them (subuid(5)). Reads text, and asks nobody.
 */

import type { LinuxIDMapping } from "../spec/mod.ts";

/** Ids from `start` on, `size` of them. */
export type IdRange = { readonly start: number; readonly size: number };

export type SubordinateEntry = IdRange & {
  /** A login name, or a uid in decimal. */
  readonly owner: string;
};

export type BadLine = {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
  readonly reason: string;
};

export type SubordinateFile = {
  /** In the file's order. */
  readonly entries: readonly SubordinateEntry[];
  /** Lines that say nothing, for a word about them: shadow skips them as well. */
  readonly bad: readonly BadLine[];
};

/** Who asks: either may be unknown. */
export type Owner = { readonly name: string | null; readonly uid: number | null };

/** 2^32 - 1, `(uid_t)-1`, is nobody's id: calls take it for "as it is". */
export const idLimit = 4294967295;

const decimal = (text: string): number | null =>
  /^\d{1,10}$/.test(text) && Number(text) <= idLimit ? Number(text) : null;

function readLine(text: string): SubordinateEntry | string {
  const [owner = "", first = "", count = "", ...rest] = text.split(":");
  if (count === "" || rest.length > 0) return "expected NAME:START:COUNT";
  if (owner === "") return "expected a name or a uid before the first colon";
  const start = decimal(first);
  if (start === null) return `expected a first id from 0 to ${idLimit - 1}, received "${first}"`;
  const size = decimal(count);
  if (size === null) return `expected a count, received "${count}"`;
  if (size === 0) return "a range of no ids";
  if (start + size > idLimit) return `the range goes beyond the last id, ${idLimit - 1}`;
  return { owner, start, size };
}

/** Every line, in order; blank ones and those that begin with `#` are left out. */
export function parseSubordinate(text: string): SubordinateFile {
  const entries: SubordinateEntry[] = [];
  const bad: BadLine[] = [];
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    if (line === "" || line.startsWith("#")) continue;
    const entry = readLine(line);
    if (typeof entry === "string") bad.push({ line: i + 1, text: line, reason: entry });
    else entries.push(entry);
  }
  return { entries, bad };
}

/**
 * The ranges of a user, by name or by uid, as newuidmap(1) takes both; in the file's order. A range
 * that is there twice, or overlaps one before it, gives only what is new: an id may stand once in a map.
 */
export function rangesOf(file: SubordinateFile, { name, uid }: Owner): readonly IdRange[] {
  const own = file.entries.filter(
    ({ owner }) => owner === name || (uid !== null && owner === String(uid)),
  );
  const ranges: IdRange[] = [];
  for (const { start, size } of own) ranges.push(...without({ start, size }, ranges));
  return ranges;
}

/** What of a range is in none of the others; lowest first. */
export function without(range: IdRange, others: readonly IdRange[]): readonly IdRange[] {
  let parts: readonly IdRange[] = [range];
  for (const other of others) {
    parts = parts.flatMap((part) => cut(part, other));
  }
  return parts;
}

function cut(part: IdRange, other: IdRange): IdRange[] {
  const end = part.start + part.size;
  const otherEnd = other.start + other.size;
  if (otherEnd <= part.start || other.start >= end) return [part];
  return [
    { start: part.start, size: other.start - part.start },
    { start: otherEnd, size: end - otherEnd },
  ].filter(({ size }) => size > 0);
}

export const overlaps = (one: IdRange, other: IdRange): boolean =>
  one.start < other.start + other.size && other.start < one.start + one.size;

export const sizeOf = (ranges: readonly IdRange[]): number =>
  ranges.reduce((sum, { size }) => sum + size, 0);

/**
 * The ids of a namespace from `inside` on, laid over the ranges in their order: as many as `size`
 * says, or as there are.
 */
export function mapOver(
  ranges: readonly IdRange[],
  inside = 0,
  size = idLimit,
): readonly LinuxIDMapping[] {
  const mappings: LinuxIDMapping[] = [];
  let left = size;
  let containerID = inside;
  for (const { start, size: there } of ranges) {
    const taken = Math.min(there, left, idLimit - containerID);
    if (taken <= 0) break;
    mappings.push({ containerID, hostID: start, size: taken });
    containerID += taken;
    left -= taken;
  }
  return mappings;
}
