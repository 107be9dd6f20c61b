/** umount2(2). */

import { isBusy, umountTree } from "../detach.ts";
import type { Draft } from "../draft.ts";
import { lookup } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { setReadOnly } from "../read-only.ts";
import { capable, requireMayMount } from "../rights.ts";
import type { Process } from "../state.ts";
import { isMountRoot, isOurs } from "../tree.ts";
import type { OperationOf } from "./mount.ts";

/** ksys_umount, can_umount and do_umount. */
export function umount(draft: Draft, process: Process, op: OperationOf<"umount">): void {
  const detach = op.flags.includes("detach");
  const follow = !op.flags.includes("nofollow");
  const path = lookup(draft, process, op.target, { mountpoint: true, follow });
  const mount = draft.mount(path.mount);
  requireMayMount(draft, process);
  if (!isMountRoot(draft, path)) {
    refuse("EINVAL", "Nothing is mounted there.", "Name a mount point: see the mount table.");
  }
  if (!isOurs(process, mount)) {
    refuse(
      "EINVAL",
      "The mount is in another mount namespace, or has been unmounted already.",
      "Enter that namespace first: nsenter --mount.",
    );
  }
  if (mount.locks.place) {
    refuse(
      "EINVAL",
      "The mount came from a more privileged namespace and is locked: it may hide something.",
      "Unmount it where it was made, or mount something on top of it.",
    );
  }
  const superblock = draft.superblock(mount.superblock);
  const overSuperblock = capable(draft, process, superblock.userNamespace);
  if (op.flags.includes("force") && !overSuperblock) {
    refuse("EPERM", "MNT_FORCE needs rights over the file system.", "Unmount without force.");
  }
  if (mount.id === process.root.mount && !detach) {
    if (!overSuperblock) {
      refuse(
        "EPERM",
        "To unmount one's root means to make its file system read-only, and that is another's.",
        "Detach it (umount -l), or leave it by pivot_root.",
      );
    }
    setReadOnly(draft, superblock, true);
    return;
  }
  if (mount.parent === null) {
    refuse(
      "EINVAL",
      "The root of all mounts cannot be unmounted.",
      "Put another root in its place: pivot_root.",
    );
  }
  if (!detach && isBusy(draft, mount)) {
    const children = draft.childrenOf(mount.id).length;
    refuse(
      "EBUSY",
      children > 0
        ? "Other mounts are mounted below it."
        : "A root, a working directory or an open file is on it, or on a copy that would go too.",
      children > 0
        ? "Unmount those first (umount -R), or detach it with all of them (umount -l)."
        : "Leave it (cd /), or detach it (umount -l): then it goes when the last user does.",
    );
  }
  umountTree(draft, mount.id, { propagate: true, connected: detach ? "locked" : "no" });
}
