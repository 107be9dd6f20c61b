/** A mount table of the kernel's, as a drawing: /proc/PID/mountinfo, proc_pid_mountinfo(5). */

import { inTreeOrder } from "./in-tree-order.ts";
import type { DrawnMount } from "./world.ts";

/** Blanks and their kin are octal there. */
const unescape = (field: string): string =>
  field.replaceAll(/\\([0-7]{3})/g, (_all, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );

const numberAfter = (fields: readonly string[], name: string): number | null => {
  const field = fields.find((each) => each.startsWith(`${name}:`));
  return field === undefined ? null : Number(field.slice(name.length + 1));
};

function readLine(line: string): DrawnMount | null {
  const dash = line.indexOf(" - ");
  if (dash < 0) return null;
  const [id = "", parent = "", , root = "", path = "", flags = "", ...optional] = line
    .slice(0, dash)
    .split(" ");
  const [type = "", source = "", options = ""] = line.slice(dash + 3).split(" ");
  if (!/^\d+$/.test(id) || !/^\d+$/.test(parent)) return null;
  return {
    id: Number(id),
    parent: Number(parent),
    path: unescape(path),
    root: unescape(root),
    type,
    source: unescape(source),
    readOnly: flags.split(",").includes("ro") || options.split(",").includes("ro"),
    group: numberAfter(optional, "shared"),
    master: numberAfter(optional, "master"),
    unbindable: optional.includes("unbindable"),
    // The kernel does not tell.
    locked: false,
  };
}

/**
 * The mounts of a table, parents before children. A mount whose parent is not in the table, since it
 * lies outside the process's root, is a root of the drawing.
 *
 * @throws Error with the line that is none of a mount table
 */
export function readMountTable(text: string): DrawnMount[] {
  const lines = text.split("\n").filter((line) => line !== "");
  const mounts = lines.map((line) => {
    const mount = readLine(line);
    if (mount === null) throw new Error(`not a line of a mount table: ${line.slice(0, 80)}`);
    return mount;
  });
  const ids = new Set(mounts.map(({ id }) => id));
  const rooted = mounts.map((mount) => {
    const known = mount.parent !== null && ids.has(mount.parent) && mount.parent !== mount.id;
    return known ? mount : { ...mount, parent: null };
  });
  return inTreeOrder(rooted, ({ parent }) => parent);
}
