/**
 * Ids of a container's user namespace where the engine is no more than root of one itself: an ordinary
 * user's, or that of a container. "Outside" is the engine's namespace there: 0 is the caller, and
 * behind it are the caller's subordinate ids (podman calls these the intermediate ids).
 */

import type { LinuxIDMapping } from "../spec/mod.ts";
import { type IdRange, mapOver, sizeOf, without } from "./subordinate.ts";

/** The lines of /proc/self/uid_map or gid_map of the engine. */
export type OwnIds = readonly LinuxIDMapping[];

const rangesIn = (own: OwnIds): readonly IdRange[] =>
  own.map(({ containerID, size }) => ({ start: containerID, size }));

/** Everybody but root of the namespace, who is the caller; lowest first. */
export const subordinates = (own: OwnIds): readonly IdRange[] =>
  rangesIn(own)
    .flatMap((range) => without(range, [{ start: 0, size: 1 }]))
    .toSorted((a, b) => a.start - b.start);

/** Each id is itself. */
export const sameIds = (own: OwnIds): readonly LinuxIDMapping[] =>
  own.map(({ containerID, size }) => ({ containerID, hostID: containerID, size }));

/** Files need no other owners: each id is itself, or there is one id, which has them all. */
export const needsNoShift = (maps: readonly LinuxIDMapping[], own: OwnIds): boolean =>
  subordinates(own).length === 0 || maps.every(({ containerID, hostID }) => containerID === hostID);

/**
 * The caller is `kept` inside, and whoever else there is has the ids around it.
 *
 * @param size how many ids inside, as far as there are so many; absent: all that there are
 */
export function keptMap(
  own: OwnIds,
  kept: number,
  size: number = sizeOf(rangesIn(own)),
): readonly LinuxIDMapping[] {
  const others = subordinates(own);
  const below = mapOver(others, 0, Math.min(kept, size - 1));
  const used = below.map(({ hostID, size: of }) => ({ start: hostID, size: of }));
  const rest = others.flatMap((range) => without(range, used));
  const above = mapOver(rest, kept + 1, Math.max(0, size - kept - 1));
  return [...below, { containerID: kept, hostID: 0, size: 1 }, ...above];
}

/** A range of ids of the next namespace out, as ids of ours; null: not all of them are ours. */
export function withinOwn(own: OwnIds, { start, size }: IdRange): readonly IdRange[] | null {
  const parts = own.flatMap((line) => {
    const first = Math.max(start, line.hostID);
    const end = Math.min(start + size, line.hostID + line.size);
    return first < end ? [{ first, end, at: line.containerID + (first - line.hostID) }] : [];
  });
  const found = parts.toSorted((a, b) => a.first - b.first);
  const all = found.map(({ first, end, at }) => ({ start: at, size: end - first }));
  return sizeOf(all) === size ? all : null;
}

/** The ids of a range that there are not, for a line about them; null: all are there. */
export function missingIn(own: OwnIds, { hostID, size }: LinuxIDMapping): IdRange | null {
  return without({ start: hostID, size }, rangesIn(own))[0] ?? null;
}
