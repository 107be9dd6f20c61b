/** pivot_root(2): its checks in the kernel's order, since the first that fails gives the errno. */

import { lockMountpoint } from "../attach.ts";
import type { Draft } from "../draft.ts";
import { lookup, showWhere } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { requireMayMount } from "../rights.ts";
import type { Mount, Path, Process } from "../state.ts";
import { isMountRoot, isOurs, isReachable, samePath } from "../tree.ts";
import type { OperationOf } from "./mount.ts";

const isShared = (mount: Mount | null): boolean => mount !== null && mount.group !== null;

function requirePrivate(draft: Draft, newRoot: Mount, root: Mount, old: Mount): void {
  const parentOf = (mount: Mount): Mount | null =>
    mount.parent === null ? mount : draft.mount(mount.parent);
  if (isShared(old)) {
    refuse(
      "EINVAL",
      "The mount that holds put_old is shared: the old root would appear on its peers.",
      "Make it private first: mount --make-private NEW_ROOT.",
    );
  }
  if (isShared(parentOf(newRoot))) {
    refuse(
      "EINVAL",
      "The mount that new_root is attached to is shared: its peers would have to lose new_root.",
      "Make it private first: mount --make-private PARENT, or mount --make-rprivate /.",
    );
  }
  if (isShared(parentOf(root))) {
    refuse(
      "EINVAL",
      "The mount that the current root is attached to is shared.",
      "Make it private first: mount --make-rprivate / in the outermost root.",
    );
  }
}

function requireOurs(process: Process, newRoot: Mount, root: Mount): void {
  if (isOurs(process, root) && isOurs(process, newRoot)) return;
  refuse(
    "EINVAL",
    "The current root or new_root is not on a mount of this mount namespace.",
    "Name a new_root that was mounted in this namespace, and is still attached.",
  );
}

function requireMountPoints(draft: Draft, process: Process, newRoot: Path): void {
  const root = draft.mount(process.root.mount);
  if (!isMountRoot(draft, process.root)) {
    refuse(
      "EINVAL",
      "The current root is no mount point: chroot has made it a plain directory.",
      "Bind that directory onto itself before the chroot: mount --bind DIR DIR.",
    );
  }
  if (root.parent === null) {
    refuse(
      "EINVAL",
      "The current root is the first root file system (initramfs), which is attached to nothing.",
      "Use switch_root, or mount --rbind / DIR, cd DIR, mount --move . /, chroot . before.",
    );
  }
  if (!isMountRoot(draft, newRoot)) {
    refuse(
      "EINVAL",
      "new_root is no mount point, but a directory on a mount.",
      "Make it one: mount --bind NEW_ROOT NEW_ROOT.",
    );
  }
  if (draft.mount(newRoot.mount).parent === null) {
    refuse(
      "EINVAL",
      "new_root is attached to nothing.",
      "Attach it below the current root: mount, or move_mount.",
    );
  }
}

/** What to do about a new_root that is no mount of its own. */
function makeMount(newRoot: string): string {
  if (/^\/+$/.test(newRoot)) {
    return "Name another directory, and make it a mount of its own: mount --bind DIR DIR.";
  }
  // Who stands in a directory that is mounted over stands beneath the mount, and `.` is where they stand.
  if (/(^|\/)\.\/*$/.test(newRoot)) {
    return "Make it a mount of its own, and go there by its path: mount --bind DIR DIR, cd DIR.";
  }
  return `Make new_root a mount of its own: mount --bind ${newRoot} ${newRoot}.`;
}

/** path_pivot_root in fs/namespace.c. */
export function pivotRoot(draft: Draft, process: Process, op: OperationOf<"pivot_root">): void {
  requireMayMount(draft, process);
  const newRoot = lookup(draft, process, op.newRoot, { directory: true });
  const putOld = lookup(draft, process, op.putOld, { directory: true });
  const old = lockMountpoint(draft, putOld);
  const newMount = draft.mount(newRoot.mount);
  const rootMount = draft.mount(process.root.mount);
  requirePrivate(draft, newMount, rootMount, draft.mount(old.mount));
  requireOurs(process, newMount, rootMount);
  if (newMount.locks.place) {
    refuse(
      "EINVAL",
      "new_root came from a more privileged namespace and is locked: it may hide something.",
      "Bind it once more, with all below it, and use that: mount --rbind NEW_ROOT NEW_ROOT.",
    );
  }
  if (draft.dentry(newRoot.dentry).removed === true) {
    refuse("ENOENT", "new_root has been removed.", "Name a directory that has a name.");
  }
  if (newMount.id === rootMount.id) {
    refuse(
      "EBUSY",
      "new_root is on the current root's own mount.",
      makeMount(showWhere(op.newRoot)),
    );
  }
  if (old.mount === rootMount.id) {
    refuse(
      "EBUSY",
      "put_old is on the current root's own mount.",
      "Name a directory in new_root, or new_root itself: the old root is put there.",
    );
  }
  requireMountPoints(draft, process, newRoot);
  if (!isReachable(draft, old, newRoot)) {
    refuse("EINVAL", "put_old does not lie at or below new_root.", "Name a directory in new_root.");
  }
  if (!isReachable(draft, newRoot, process.root)) {
    refuse(
      "EINVAL",
      "new_root does not lie below the current root.",
      "Name a mount point that is reached from /.",
    );
  }
  const root = process.root;
  const { parent, mountpoint } = rootMount;
  draft.changeMount(rootMount.id, { parent: null, mountpoint: null });
  // The lock moves along: what hid something was the place at the root.
  const { place } = rootMount.locks;
  draft.changeMount(newMount.id, {
    parent,
    mountpoint,
    locks: { ...newMount.locks, place: newMount.locks.place || place },
  });
  draft.changeMount(rootMount.id, {
    parent: old.mount,
    mountpoint: old.dentry,
    locks: { ...rootMount.locks, place: false },
  });
  // Whoever has the old root as root or working directory gets the new one. chroot_fs_refs.
  for (const other of draft.processes) {
    draft.setProcess({
      ...other,
      root: samePath(other.root, root) ? newRoot : other.root,
      cwd: samePath(other.cwd, root) ? newRoot : other.cwd,
    });
  }
}
