/** What a step changes of a mount table: rows that came, went, or are not as they were. */

import type { MountinfoRow } from "../simulator/mountinfo.ts";

export type Change = {
  readonly mark: "+" | "-" | "~";
  readonly row: MountinfoRow;
  /** Of `~`: what is different, each as `old → new`. */
  readonly differences: readonly string[];
};

/** `shared:1 slave:2`, or `private`. */
export function propagationText(row: MountinfoRow): string {
  const words = [
    ...(row.shared === null ? [] : [`shared:${row.shared}`]),
    ...(row.master === null ? [] : [`slave:${row.master}`]),
    ...(row.unbindable ? ["unbindable"] : []),
  ];
  return words.length === 0 ? "private" : words.join(" ");
}

function differences(old: MountinfoRow, row: MountinfoRow): string[] {
  const pairs = [
    [old.mountpoint, row.mountpoint],
    [old.root, row.root],
    [old.flags, row.flags],
    [old.superOptions, row.superOptions],
    [propagationText(old), propagationText(row)],
  ] as const;
  return pairs.flatMap(([before, after]) => (before === after ? [] : [`${before} → ${after}`]));
}

/** A mount that only has another parent is not told of: its place in the tree is the same. */
export function changesOf(
  before: readonly MountinfoRow[],
  after: readonly MountinfoRow[],
): readonly Change[] {
  const old = new Map(before.map((row) => [row.id, row]));
  const now = new Set(after.map(({ id }) => id));
  const gone = before.filter(({ id }) => !now.has(id));
  const rest = after.flatMap((row): Change[] => {
    const was = old.get(row.id);
    if (was === undefined) return [{ mark: "+", row, differences: [] }];
    const found = differences(was, row);
    return found.length === 0 ? [] : [{ mark: "~", row, differences: found }];
  });
  return [...gone.map((row) => ({ mark: "-", row, differences: [] }) as const), ...rest];
}

/** A row for people: where, what, from where, how. */
export function rowText(row: MountinfoRow): string {
  const shown = row.root === "/" ? row.source : `${row.source}[${row.root}]`;
  const propagation = propagationText(row);
  return [
    row.mountpoint,
    row.type,
    shown,
    row.flags,
    ...(propagation === "private" ? [] : [propagation]),
  ].join("  ");
}

/** One change, for people. */
const changeText = ({ mark, row, differences: found }: Change): string =>
  mark === "~"
    ? `~ ${row.mountpoint}  ${row.type}  ${found.join("; ")}`
    : `${mark} ${rowText(row)}`;

/** Only its place is another one: from where. */
function movedFrom({ mark, row, differences: found }: Change): string | null {
  const [only, ...more] = found;
  const end = ` → ${row.mountpoint}`;
  if (mark !== "~" || only === undefined || more.length > 0 || !only.endsWith(end)) return null;
  const from = only.slice(0, -end.length);
  return from.startsWith("/") ? from : null;
}

const below = (path: string, top: string): string | null =>
  path === top
    ? ""
    : path.startsWith(top === "/" ? top : `${top}/`)
      ? path.slice(top.length)
      : null;

export type ChangeLine = { readonly mark: Change["mark"]; readonly text: string };

/** The changes in lines; a tree that has moved is one line. */
export function changeLines(changes: readonly Change[]): readonly ChangeLine[] {
  const moved = changes.flatMap((change) => {
    const from = movedFrom(change);
    return from === null ? [] : [{ change, from }];
  });
  const tops = moved
    .filter(({ change }) => moved.every(({ change: other }) => other.row.id !== change.row.parent))
    .map((top) => ({
      ...top,
      along: moved.filter(({ change, from }) => {
        const rest = below(from, top.from);
        const to = top.change.row.mountpoint;
        return (
          rest !== null && rest !== "" && change.row.mountpoint === (to === "/" ? rest : to + rest)
        );
      }),
    }));
  const hidden = new Set(tops.flatMap(({ along }) => along.map(({ change }) => change.row.id)));
  return changes
    .filter(({ row }) => !hidden.has(row.id))
    .map((change) => {
      const along = tops.find((top) => top.change === change)?.along.length ?? 0;
      const more =
        along === 0 ? "" : `, with ${along} ${along === 1 ? "mount" : "mounts"} below it`;
      return { mark: change.mark, text: `${changeText(change)}${more}` };
    });
}

/** By their places, those on each other in the order of mounting. */
export const inOrder = (rows: readonly MountinfoRow[]): readonly MountinfoRow[] =>
  rows.toSorted((a, b) => (a.mountpoint < b.mountpoint ? -1 : a.mountpoint > b.mountpoint ? 1 : 0));
