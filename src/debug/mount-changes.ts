/** What has changed between two mount tables, and a table for people with that marked. */

import { inColumns } from "../plan/columns.ts";
import { type Mount, parseMountTable } from "../verify/mount-table.ts";

export type Mark = "+" | "-" | "~" | " ";

export type MarkedMount = { readonly mark: Mark; readonly mount: Mount };

/** What people see of it; a mount's id stays the same while it is moved or changed. */
const shown = ({ parent, point, readonly, shared, master, options }: Mount): string =>
  JSON.stringify([parent, point, readonly, shared, master, options]);

/**
 * The table as it is now in its own order, what is gone behind it.
 *
 * @param before the text of mountinfo before; null: it was not looked at, so nothing is new
 */
export function markChanges(before: string | null, now: string): MarkedMount[] {
  const mounts = parseMountTable(now);
  if (before === null) return mounts.map((mount) => ({ mark: " ", mount }));
  const old = new Map(parseMountTable(before).map((mount) => [mount.id, mount]));
  const marked = mounts.map((mount): MarkedMount => {
    const was = old.get(mount.id);
    old.delete(mount.id);
    const mark = was === undefined ? "+" : shown(was) === shown(mount) ? " " : "~";
    return { mark, mount };
  });
  return [...marked, ...[...old.values()].map((mount): MarkedMount => ({ mark: "-", mount }))];
}

const propagationOf = ({ shared, master }: Mount): string => {
  const parts = [
    ...(shared === null ? [] : [`shared:${shared}`]),
    ...(master === null ? [] : [`master:${master}`]),
  ];
  return parts.length === 0 ? "private" : parts.join(" ");
};

/** The end of a path says most. */
const cut = (text: string, most: number): string =>
  text.length > most ? `…${text.slice(1 - most)}` : text;

/** Ids are cut as everywhere for people. */
const pathText = (path: string): string =>
  cut(
    path.replaceAll(/[0-9a-f]{64}/g, (id) => id.slice(0, 12)),
    44,
  );

/** Lines of columns: the mark, the mount's id and its parent's, where it is, what it is. */
export function mountLines(marked: readonly MarkedMount[]): string[] {
  const rows = marked.map(({ mark, mount }) => [
    mark,
    String(mount.id),
    String(mount.parent),
    pathText(mount.point),
    mount.type,
    mount.readonly ? "ro" : "rw",
    propagationOf(mount),
    mount.root === "/" ? "" : pathText(mount.root),
  ]);
  const titles = [" ", "ID", "PARENT", "AT", "TYPE", "", "PROPAGATION", "SHOWS"];
  return inColumns([titles, ...rows], " ");
}
