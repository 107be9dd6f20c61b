/** Mounts in the order of a tree: each before what is mounted on it. */

/**
 * @param parentOf the number of what a mount is on, or null
 * @returns those that hang together with one that is on nothing
 */
export function inTreeOrder<T extends { readonly id: number }>(
  all: readonly T[],
  parentOf: (mount: T) => number | null,
): T[] {
  // Map.groupBy is not in Node 20, which renders other sites' pages.
  const children = new Map<number | null, T[]>();
  for (const mount of all) {
    const parent = parentOf(mount);
    const known = children.get(parent);
    if (known === undefined) children.set(parent, [mount]);
    else known.push(mount);
  }
  const below = (parent: number | null): T[] =>
    (children.get(parent) ?? []).flatMap((mount) => [mount, ...below(mount.id)]);
  return below(null);
}
