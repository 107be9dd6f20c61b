/** Lists of processors and of memory nodes, `0-3,7`, as the masks that the kernel takes. */

/** Numbers end below this: as many processors as Linux can be built for, and more than nodes. */
export const maskBits = 8192;

/**
 * The mask of a list, its lowest number in the lowest bit of the first byte; or null when a number
 * is too large, or a range ends before it begins. An empty list is an empty mask.
 */
export function maskOf(list: string): Uint8Array | null {
  const ranges = list
    .split(",")
    .map((range) => range.trim())
    .filter((range) => range !== "")
    .map((range) => {
      const [first = 0, last = first] = range.split("-").map(Number);
      return { first, last };
    });
  if (ranges.some(({ first, last }) => last >= maskBits || first > last)) return null;
  const highest = ranges.reduce((most, { last }) => Math.max(most, last), -1);
  const mask = new Uint8Array(Math.ceil((highest + 1) / 8));
  for (const { first, last } of ranges) {
    for (let i = first; i <= last; i++) mask[i >> 3] = (mask[i >> 3] ?? 0) | (1 << (i & 7));
  }
  return mask;
}
