/**
 * What is at a path of a file system that a plan mounts, for the simulator: whether there is something
 * to cover. For predictions alone: whoever carries a plan out looks for himself.
 */

import { lstatSync, type Stats, statSync } from "node:fs";
import type { Plan } from "../plan/op.ts";
import type { MountinfoRow } from "../simulator/mountinfo.ts";
import type { Inhabitants } from "../simulator/plan.ts";

type Kind = "directory" | "file";

const kindOf = (found: Stats): Kind => (found.isDirectory() ? "directory" : "file");

/** The layers' directories of the root's overlay, the uppermost first. */
function layersOf({ steps }: Plan): string[] {
  const root = steps.find(({ op }) => op.op === "mount" && op.into === "root")?.op;
  if (root?.op !== "mount") return [];
  return root.options.flatMap((option) => {
    if (option.startsWith("lowerdir+=")) return [option.slice("lowerdir+=".length)];
    if (!option.startsWith("lowerdir=")) return [];
    return option
      .slice("lowerdir=".length)
      .split(/(?<!\\):/)
      .map((path) => path.replace(/\\([\\:])/g, "$1"));
  });
}

/** No link is followed: "link" where there is one on the way. */
function inLayer(layer: string, path: string): Kind | "link" | "whiteout" | null {
  let at = layer;
  let found: Stats | undefined;
  for (const name of path.split("/").filter((each) => each !== "")) {
    at = `${at}/${name}`;
    try {
      found = lstatSync(at, { throwIfNoEntry: false });
    } catch {
      return null; // below a file
    }
    if (found === undefined) return null;
    if (found.isSymbolicLink()) return "link";
    if (found.isCharacterDevice() && found.rdev === 0) return "whiteout";
  }
  return found === undefined ? "directory" : kindOf(found);
}

function inLayers(layers: readonly string[], path: string): Kind | null {
  for (const layer of layers) {
    const found = inLayer(layer, path);
    if (found === "whiteout") return null;
    // Where it leads to is not looked for.
    if (found === "link") return "directory";
    if (found !== null) return found;
  }
  return null;
}

/** A path of a file system as the host has it mounted; of several, one where there is something. */
function onHost(rows: readonly MountinfoRow[], type: string, path: string): Kind | null {
  for (const row of rows) {
    const root = row.root === "/" ? "" : row.root;
    if (row.type !== type || !`${path}/`.startsWith(`${root}/`)) continue;
    const place = `${row.mountpoint === "/" ? "" : row.mountpoint}${path.slice(root.length)}`;
    try {
      const found = statSync(place === "" ? "/" : place, { throwIfNoEntry: false });
      if (found !== undefined) return kindOf(found);
    } catch {} // not for us to see
  }
  return null;
}

/**
 * Of the layers of a plan's root, and of the file systems of this machine: a procfs of the container
 * has what the host's has. What is not known of is taken to be a directory.
 */
export function inhabitantsFor(plan: Plan, rows: readonly MountinfoRow[]): Inhabitants {
  const layers = layersOf(plan);
  return (type, path) => {
    if (type === "overlay" && layers.length > 0) return inLayers(layers, path);
    const found = onHost(rows, type, path);
    return found ?? (type === "proc" || type === "sysfs" ? null : "directory");
  };
}
