/** Whether overlayfs writes to a file system. Asked at each start: one call. */

import { existsSync, statfsSync } from "node:fs";
import { copiedMark } from "../planner/copied-root.ts";

/**
 * Those that overlayfs refuses as an upper directory, or on which it cannot rename: another overlay, and
 * those of networks and of user space; statfs(2) has the numbers.
 */
const refused: ReadonlySet<number> = new Set([
  0x794c7630, // overlayfs
  0x6969, // NFS
  0xff534d42, // CIFS
  0xfe534d42, // SMB2
  0x01021997, // 9P
  0x65735546, // FUSE
  0x5346414f, // AFS
  0x4d44, // FAT
  0x2011bab0, // exFAT
  0xf15f, // eCryptfs
]);

/** What becomes of a root of layers: an overlay (undefined), or a copy. */
export function copiedOf(dataRoot: string, id: string): "is to be" | "is there" | undefined {
  try {
    if (!refused.has(statfsSync(dataRoot).type)) return undefined;
  } catch {
    return undefined; // it is not there yet, and what makes it tells why it cannot
  }
  return existsSync(copiedMark(`${dataRoot}/containers/${id}`)) ? "is there" : "is to be";
}
