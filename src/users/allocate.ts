/**
 * Which ids a user namespace gets: free ones of a pool, and the maps that they make. Decides by what
 * it is told is taken, and asks nobody.
 */

import type { LinuxIDMapping } from "../spec/mod.ts";
import { type IdRange, mapOver, type SubordinateFile, without } from "./subordinate.ts";

/**
 * For containers, where /etc/subuid and /etc/subgid name no ranges for them: ids below 2^31, which
 * programs with signed numbers take, and which systemd's table of ids (UIDS-GIDS.md) gives to nobody.
 * 4096 times 65536.
 */
export const defaultPool: IdRange = { start: 0x70000000, size: 0x10000000 };

/** The owner in /etc/subuid and /etc/subgid whose ranges are for containers, as with podman. */
export const poolOwner = "containers";

export type Pool = {
  readonly ranges: readonly IdRange[];
  /** They are the default, less what the file gives to others. */
  readonly isDefault: boolean;
  /** They are an ordinary user's own, whose every container may have them all. */
  readonly isCallers?: boolean;
};

export function poolOf(file: SubordinateFile): Pool {
  const own = file.entries.filter(({ owner }) => owner === poolOwner);
  if (own.length > 0) return { ranges: own, isDefault: false };
  return { ranges: without(defaultPool, file.entries), isDefault: true };
}

/** The lowest ids that are free and follow on one another; null: there are not so many. */
export function firstFree(
  pool: readonly IdRange[],
  taken: readonly IdRange[],
  size: number,
): IdRange | null {
  const gaps = pool.flatMap((range) => without(range, taken));
  const gap = gaps.find((each) => each.size >= size);
  return gap === undefined ? null : { start: gap.start, size };
}

/** The ids outside that maps have. */
export const outsideOf = (maps: readonly LinuxIDMapping[]): readonly IdRange[] =>
  maps.map(({ hostID, size }) => ({ start: hostID, size }));

/** How many ids from 0 to `size` the given maps leave to a range. */
export const restOf = (size: number, given: readonly LinuxIDMapping[]): number =>
  gapsOf(size, given).reduce((sum, gap) => sum + gap.size, 0);

/** The ids from 0 to `size` that given maps say nothing of. */
const gapsOf = (size: number, given: readonly LinuxIDMapping[]): readonly IdRange[] =>
  without(
    { start: 0, size },
    given.map(({ containerID, size: of }) => ({ start: containerID, size: of })),
  );

/**
 * The ids from 0 to `size`: given ones as they are, all others over a range. The kernel wants no
 * order, but people do.
 */
export function mapAround(
  size: number,
  given: readonly LinuxIDMapping[],
  range: IdRange,
): readonly LinuxIDMapping[] {
  let { start } = range;
  const maps = [...given];
  for (const gap of gapsOf(size, given)) {
    maps.push(...mapOver([{ start, size: gap.size }], gap.start, gap.size));
    start += gap.size;
  }
  return maps.toSorted((a, b) => a.containerID - b.containerID);
}
