/** Moving mounts: mount(2) with MS_MOVE, and what move_mount(2) does with detached trees. */

import { attach, lockMountpoint } from "../attach.ts";
import type { Draft } from "../draft.ts";
import { lookup } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { requireMayMount } from "../rights.ts";
import type { Mount, Path, Process } from "../state.ts";
import {
  isAncestor,
  isDetachedRoot,
  isDirectory,
  isMountRoot,
  isOurs,
  mountTree,
  overmount,
  topmost,
} from "../tree.ts";
import { lookupSource, mayUse, type OperationOf } from "./mount.ts";

/** do_move_mount; also what move_mount(2) does, with detached trees. */
export function moveTo(
  draft: Draft,
  process: Process,
  from: Path,
  to: Path,
  beneath: boolean,
): void {
  const source = draft.mount(from.mount);
  if (!isMountRoot(draft, from)) {
    refuse(
      "EINVAL",
      "What is moved is no mount point, but a directory on a mount.",
      "Make it one: mount --bind DIR DIR.",
    );
  }
  if (isDirectory(draft, to.dentry) !== isDirectory(draft, from.dentry)) {
    refuse(
      "EINVAL",
      "A directory can be moved to a directory only, and a file to a file.",
      "Make the target of the same kind: mkdir, or touch.",
    );
  }
  const place = beneath ? placeBeneath(draft, to) : lockMountpoint(draft, to);
  const on = draft.mount(place.mount);
  if (isOurs(process, source)) requireMovable(draft, process, source, on);
  else requireDetached(draft, process, source, on);
  if (beneath) requireBeneath(draft, process, source, place, draft.mount(to.mount));
  const unbindable = mountTree(draft, source.id).some((mount) => mount.unbindable);
  if (on.group !== null && unbindable) {
    refuse(
      "EINVAL",
      "An unbindable mount cannot get copies, and the target is shared: it would have to.",
      "Make the target's mount private, or the unbindable one: mount --make-private.",
    );
  }
  if (isAncestor(draft, source.id, place.mount)) {
    refuse("ELOOP", "The target lies inside of what is moved.", "Move it to a place outside.");
  }
  attach(draft, process, source.id, place);
}

function requireMovable(draft: Draft, process: Process, source: Mount, on: Mount): void {
  if (source.parent === null) {
    refuse(
      "EINVAL",
      "The root of all mounts is attached to nothing, and so cannot be moved.",
      "Make it visible elsewhere: mount --rbind / DIR.",
    );
  }
  if (source.locks.place) {
    refuse(
      "EINVAL",
      "The mount came from a more privileged namespace and is locked: it may hide something.",
      "Bind it to another place instead, with all below it: mount --rbind.",
    );
  }
  if (draft.mount(source.parent).group !== null) {
    refuse(
      "EINVAL",
      "What the mount is attached to is shared: its peers would have to lose it too.",
      "Make the parent mount private first: mount --make-private PARENT.",
    );
  }
  if (!isOurs(process, on)) {
    refuse(
      "EINVAL",
      "The target lies on a mount of another mount namespace.",
      "Copy it there instead: open_tree with OPEN_TREE_CLONE.",
    );
  }
}

function requireDetached(draft: Draft, process: Process, source: Mount, on: Mount): void {
  if (!isDetachedRoot(draft, source)) {
    refuse(
      "EINVAL",
      "The mount is neither in this mount namespace nor the root of a detached tree.",
      "Take a copy of it: open_tree with OPEN_TREE_CLONE.",
    );
  }
  if (source.namespace === on.namespace || !mayUse(draft, process, on)) {
    refuse(
      "EINVAL",
      "The target lies in another mount namespace, or in the tree that is attached.",
      "Attach it in this mount namespace.",
    );
  }
}

/** MOVE_MOUNT_BENEATH: between a mount and what it is on. do_lock_mount. */
function placeBeneath(draft: Draft, to: Path): Path {
  if (!isMountRoot(draft, to)) {
    refuse("EINVAL", "Nothing is mounted there to go beneath.", "Name a mount point.");
  }
  const mount = draft.mount(to.mount);
  if (mount.namespace === null) {
    refuse(
      "ENOENT",
      "The mount to go beneath has been unmounted already.",
      "Name one that is still attached.",
    );
  }
  const { id, root, parent, mountpoint } = topmost(draft, mount);
  return { mount: parent ?? id, dentry: mountpoint ?? root };
}

/** can_move_mount_beneath. */
function requireBeneath(
  draft: Draft,
  process: Process,
  source: Mount,
  place: Path,
  named: Mount,
): void {
  const top = draft.mountOn(place);
  const fail = (rule: string, cure: string): never => refuse("EINVAL", rule, cure);
  if (top === undefined || top.parent === null) {
    return fail("The root of all mounts has nothing beneath it.", "Name another mount point.");
  }
  if (top.id === process.root.mount || top.parent === draft.namespace(process.namespace).root) {
    fail(
      "Nothing can go beneath the caller's root, nor beneath the root file system.",
      "Mount it elsewhere, and make it the root by pivot_root.",
    );
  }
  if (top.locks.place) {
    fail("The mount on top is locked: it may hide something.", "Mount on top of it instead.");
  }
  if (overmount(draft, source) !== undefined) {
    fail("What is moved is covered by another mount.", "Unmount that one first.");
  }
  if (isAncestor(draft, top.id, source.id)) {
    fail("What is moved lies on the mount that it should go beneath.", "Move it out first.");
  }
  const parent = draft.mount(place.mount);
  // The root of a tree counts as its own parent, and so is taken for the mount on top of it.
  const over = named.parent === null && place.mount === named.id ? named : top;
  const getsFrom = (mount: Mount): boolean => {
    if (parent.group === null || mount.root !== place.dentry) return false;
    for (let at: Mount | undefined = mount; at !== undefined; ) {
      if (at.group === parent.group) return true;
      const master: number | null = at.master;
      at = master === null ? undefined : draft.mounts.find(({ group }) => group === master);
    }
    return false;
  };
  if (getsFrom(over) || (isOurs(process, source) && getsFrom(source))) {
    fail(
      "Propagation would put a copy on top of the very mount that this one goes beneath.",
      "Make the parent mount private first: mount --make-private PARENT.",
    );
  }
}

export function move(draft: Draft, process: Process, op: OperationOf<"move">): void {
  const target = lookup(draft, process, op.target);
  requireMayMount(draft, process);
  moveTo(draft, process, lookupSource(draft, process, op.source), target, false);
}
