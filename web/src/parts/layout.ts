/** Where each mount of a tree is drawn: a row each, children below their parent and to the right. */

import { type HierarchyNode, stratify } from "d3-hierarchy";
import type { DrawnMount, DrawnNamespace } from "../model/world.ts";

export type Card = {
  readonly mount: DrawnMount;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  /** Who has its root or its working directory here. */
  readonly badges: readonly Badge[];
  /** Is it on top of its parent, at the same place? */
  readonly stacked: boolean;
};

export type Badge = { readonly kind: "root" | "cwd" | "both"; readonly text: string };

export type Link = {
  readonly key: string;
  readonly fromX: number;
  readonly fromY: number;
  readonly toX: number;
  readonly toY: number;
};

export type Layout = {
  readonly cards: readonly Card[];
  readonly links: readonly Link[];
  readonly width: number;
  readonly height: number;
};

const rowHeight = 46;
export const badgeHeight = 20;
const gap = 8;
/** Deep trees on a phone: the indent shrinks, so that cards stay readable. */
const indentFor = (width: number, depth: number): number =>
  depth === 0 ? 0 : Math.min(28, Math.max(10, (width - 210) / depth));

function badgesOf(mount: DrawnMount, { processes }: DrawnNamespace): Badge[] {
  const at = (path: string): string => (path === mount.path ? "" : ` at ${path}`);
  return processes.flatMap(({ name, root, cwd }): Badge[] => {
    const isRoot = root.mount === mount.id;
    const isCwd = cwd.mount === mount.id;
    if (isRoot && isCwd && root.path === cwd.path) {
      return [{ kind: "both", text: `${name}: root and cwd${at(root.path)}` }];
    }
    return [
      ...(isRoot ? [{ kind: "root", text: `${name}: root${at(root.path)}` } as const] : []),
      ...(isCwd ? [{ kind: "cwd", text: `${name}: cwd${at(cwd.path)}` } as const] : []),
    ];
  });
}

/** A root above all roots: what has been unmounted is several trees. */
type Node = {
  readonly id: number;
  readonly parent: number | null;
  readonly mount: DrawnMount | null;
};
const above = -1;

/** @param width in pixels, of the whole drawing */
export function layOut(namespace: DrawnNamespace, width: number): Layout {
  const nodes: Node[] = [
    { id: above, parent: null, mount: null },
    ...namespace.mounts.map((mount) => ({ id: mount.id, parent: mount.parent ?? above, mount })),
  ];
  const tree: HierarchyNode<Node> = stratify<Node>()
    .id(({ id }) => String(id))
    .parentId(({ parent }) => (parent === null ? null : String(parent)))(nodes);
  const indent = indentFor(width, tree.height - 1);
  const cards = new Map<number, Card>();
  const links: Link[] = [];
  let y = 0;
  tree.eachBefore(({ data, depth }) => {
    const { mount } = data;
    if (mount === null) return;
    const x = (depth - 1) * indent;
    const parent = mount.parent === null ? undefined : cards.get(mount.parent);
    const badges = badgesOf(mount, namespace);
    const height = rowHeight + badges.length * badgeHeight;
    const stacked = parent !== undefined && parent.mount.path === mount.path;
    cards.set(mount.id, { mount, x, y, width: width - x, height, badges, stacked });
    if (parent !== undefined) {
      links.push({
        key: `${parent.mount.id}-${mount.id}`,
        fromX: parent.x + indent / 2,
        fromY: parent.y + parent.height,
        toX: x,
        toY: y + rowHeight / 2,
      });
    }
    y += height + gap;
  });
  return { cards: [...cards.values()], links, width, height: Math.max(0, y - gap) };
}
