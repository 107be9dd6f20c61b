/** The mount table as a tree, for people: what findmnt(8) shows, with propagation. */

import { inColumns } from "../plan/columns.ts";
import { type MountinfoRow, mountTable } from "./mountinfo.ts";
import type { ProcessId, State } from "./state.ts";

/** `shared:1`, `master:1`, `private`. */
export function showPropagation(row: MountinfoRow): string {
  const parts = [
    row.shared === null ? [] : [`shared:${row.shared}`],
    row.master === null ? [] : [`master:${row.master}`],
    row.propagateFrom === null ? [] : [`propagate_from:${row.propagateFrom}`],
    row.unbindable ? ["unbindable"] : [],
  ].flat();
  return parts.length === 0 ? "private" : parts.join(",");
}

/** `none[/a]`: the source, and which directory of it. */
const showSource = ({ source, root }: MountinfoRow): string =>
  root === "/" ? source : `${source}[${root}]`;

type Cells = readonly string[];

function branch(
  rows: readonly MountinfoRow[],
  row: MountinfoRow,
  lead: string,
  arm: string,
): Cells[] {
  const children = rows.filter(({ parent, id }) => parent === row.id && id !== row.id);
  const own = [
    `${arm}${row.mountpoint}`,
    showSource(row),
    row.type,
    row.flags,
    showPropagation(row),
  ];
  return [
    own,
    ...children.flatMap((child, i) => {
      const last = i === children.length - 1;
      return branch(rows, child, `${lead}${last ? "  " : "│ "}`, `${lead}${last ? "└─" : "├─"}`);
    }),
  ];
}

/** Lines with a header; columns are as wide as what is in them. */
export function showTree(rows: readonly MountinfoRow[]): string {
  const ids = new Set(rows.map(({ id }) => id));
  const tops = rows.filter(({ id, parent }) => id === parent || !ids.has(parent));
  const cells: Cells[] = [
    ["TARGET", "SOURCE", "FSTYPE", "OPTIONS", "PROPAGATION"],
    ...tops.flatMap((top) => branch(rows, top, "", "")),
  ];
  return inColumns(cells)
    .map((line) => `${line}\n`)
    .join("");
}

export const showMountTree = (state: State, process: ProcessId): string =>
  showTree(mountTable(state, process));
