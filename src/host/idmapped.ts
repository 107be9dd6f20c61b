/**
 * Whether mounts can show files with other owners (idmapped mounts), so that overlayfs takes them for
 * layers. Asked when a container has a user namespace.
 */

import { existsSync, readdirSync, statfsSync } from "node:fs";
import type { IdMappings } from "../options/facts.ts";
import type { Facts } from "../planner/facts.ts";
import { needsNoShift, subordinates } from "../users/within.ts";

type Kernel = readonly [major: number, minor: number];

/** By the number that statfs(2) gives: the release of Linux from which on (FS_ALLOW_IDMAP). */
const since: ReadonlyMap<number, Kernel> = new Map<number, Kernel>([
  [0xef53, [5, 12]], // ext4
  [0x58465342, [5, 12]], // xfs
  [0x9123683e, [5, 15]], // btrfs
  [0xf2f52010, [5, 18]], // f2fs
  [0x01021994, [6, 3]], // tmpfs
]);

/** overlayfs takes layers that are idmapped mounts. */
const overlaySince: Kernel = [5, 19];

const isSince = (kernel: Kernel, first: Kernel): boolean =>
  kernel[0] > first[0] || (kernel[0] === first[0] && kernel[1] >= first[1]);

/** Whether a file system of this type can be shown with other owners below an overlay. */
export const canMapType = (type: number, kernel: Kernel): boolean => {
  const first = since.get(type);
  return first !== undefined && isSince(kernel, first) && isSince(kernel, overlaySince);
};

/**
 * The same of the file system at a path. PIVOT_IDMAP=no says that it cannot, and has layers copied;
 * =yes that it can, whatever it is.
 */
export function canMapOwners(
  path: string,
  kernel: Kernel,
  env: Readonly<Record<string, string | undefined>> = process.env,
): boolean {
  const said = env["PIVOT_IDMAP"];
  if (said === "no" || said === "yes") return said === "yes";
  return canMapType(statfsSync(path).type, kernel);
}

/** Of a start that was killed before it mattered the directory is there, and empty. */
function hasFiles(directory: string): boolean {
  try {
    return readdirSync(directory).length > 0;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

export type OwnersWish = {
  readonly dataRoot: string;
  /** The container's. */
  readonly id: string;
  /** The file system in question: the data root, or the directory that is the root. */
  readonly of: string;
  /** Null: those of another container's namespace. */
  readonly maps: IdMappings | null;
};

/** Of an ordinary user: only who mounted a file system may show it with other owners. */
function kindWithin({ maps }: OwnersWish, own: IdMappings): "same" | "copied" {
  const isSame = (kind: "uid" | "gid"): boolean =>
    maps === null ? subordinates(own[kind]).length === 0 : needsNoShift(maps[kind], own[kind]);
  return isSame("uid") && isSame("gid") ? "same" : "copied";
}

/**
 * How the files of a container get the owners that they have inside. One that was started stays with
 * how that was done, since its files on the disk are of the one kind or the other.
 */
export function ownersKind(
  wish: OwnersWish,
  { kernel, userNamespace }: Pick<Facts, "kernel" | "userNamespace">,
): "same" | "mapped" | "copied" {
  const data = `${wish.dataRoot}/containers/${wish.id}`;
  if (existsSync(`${data}/layers`)) return "copied";
  if (userNamespace !== undefined) return kindWithin(wish, userNamespace);
  if (hasFiles(`${data}/upper`)) return "mapped";
  return canMapOwners(wish.of, kernel) ? "mapped" : "copied";
}
