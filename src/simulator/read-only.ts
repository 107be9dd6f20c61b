/** When a whole file system becomes read-only: sb_prepare_remount_readonly in fs/namespace.c. */

import type { Draft } from "./draft.ts";
import { refuse } from "./outcome.ts";
import type { Superblock } from "./state.ts";

/** @throws Refused with EBUSY while somebody uses what has been removed: it is yet to be freed. */
export function setReadOnly(draft: Draft, superblock: Superblock, readonly: boolean): void {
  if (readonly && !superblock.readonly && usesRemoved(draft, superblock)) {
    refuse(
      "EBUSY",
      "A directory or file of it has been removed and is still in use: it will be freed later.",
      "Let the processes leave it that are in a directory which is no more.",
    );
  }
  draft.setSuperblock({ ...superblock, readonly });
}

function usesRemoved(draft: Draft, superblock: Superblock): boolean {
  const used = [
    ...draft.mounts.map(({ root }) => root),
    ...draft.processes.flatMap(({ root, cwd, descriptors }) =>
      [root, cwd, ...Object.values(descriptors)].map(({ dentry }) => dentry),
    ),
  ];
  return used.some((dentry) => superblock.dentries[dentry]?.removed === true);
}
