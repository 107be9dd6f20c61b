/** Unmounting a tree, and what propagation takes along: umount_tree and propagate_umount. */

import type { Draft } from "./draft.ts";
import { makePrivate, receivers } from "./propagation.ts";
import type { Mount, MountId } from "./state.ts";
import { mountTree, overmount, references } from "./tree.ts";

/** What lies at the same place on every mount that the parent propagates to. */
function counterparts(draft: Draft, mount: Mount): Mount[] {
  const { parent, mountpoint } = mount;
  if (parent === null || mountpoint === null) return [];
  return receivers(draft, draft.mount(parent))
    .flatMap(({ members }) => members)
    .flatMap((member) => draft.mountOn({ mount: member.id, dentry: mountpoint }) ?? []);
}

/** Would umount say that it is busy? propagate_mount_busy in fs/pnode.c. */
export function isBusy(draft: Draft, mount: Mount): boolean {
  if (draft.childrenOf(mount.id).length > 0 || references(draft, mount.id) > 0) return true;
  return counterparts(draft, mount).some((other) => {
    const children = draft.childrenOf(other.id);
    // One that others are mounted in stays, so it may be in use; one that is covered would go.
    if (children.length > 0 && !(children.length === 1 && overmount(draft, other) !== undefined)) {
      return false;
    }
    return references(draft, other.id) > 0;
  });
}

/**
 * Which mounts beside the tree go too: those at the same places of all receivers, less the ones
 * that would take something else along or reveal what a lock hides.
 * Documentation/filesystems/propagate_umount.txt.
 */
function companions(draft: Draft, tree: ReadonlySet<MountId>): Set<MountId> {
  const candidates = new Set<MountId>();
  for (const id of tree) {
    for (const other of counterparts(draft, draft.mount(id))) {
      if (!tree.has(other.id)) candidates.add(other.id);
    }
  }
  // Nothing that stays may be shifted: it may lie on the whole of what goes, but not in it.
  const carries = (mount: Mount): boolean =>
    draft.childrenOf(mount.id).some((child) => stays(child) || carries(child));
  const stays = (mount: Mount): boolean => !tree.has(mount.id) && !candidates.has(mount.id);
  const shifts = (mount: Mount): boolean =>
    draft
      .childrenOf(mount.id)
      .some(
        (child) =>
          child.mountpoint !== mount.root &&
          !tree.has(child.id) &&
          (stays(child) || carries(child)),
      );
  for (let changed = true; changed; ) {
    changed = false;
    for (const id of candidates) {
      if (shifts(draft.mount(id))) changed = candidates.delete(id) || changed;
    }
  }
  // Nothing that a lock hides may be revealed: a locked one goes only with what it is mounted on.
  for (let changed = true; changed; ) {
    changed = false;
    for (const id of candidates) {
      const { locks, parent } = draft.mount(id);
      if (!locks.place || parent === null || tree.has(parent) || candidates.has(parent)) continue;
      changed = candidates.delete(id) || changed;
    }
  }
  return candidates;
}

/** What covers something that goes, and stays itself, slides down to where that was. */
function slideDown(draft: Draft, gone: ReadonlySet<MountId>): void {
  for (const id of gone) {
    const over = overmount(draft, draft.mount(id));
    if (over === undefined || gone.has(over.id)) continue;
    let below = draft.mount(id);
    while (below.parent !== null && gone.has(below.parent)) below = draft.mount(below.parent);
    const { parent, mountpoint } = below;
    // The one that goes is cut loose first, so that no two are on one place.
    draft.changeMount(below.id, { parent: null, mountpoint: null });
    draft.changeMount(over.id, { parent, mountpoint });
  }
}

export type UmountKind = {
  /** Others get it by propagation too. */
  readonly propagate: boolean;
  /** Whether what was mounted on each other stays so, for those who still use it. */
  readonly connected: "no" | "locked" | "yes";
};

/** Unmounts a mount with all that is on it. umount_tree in fs/namespace.c. */
export function umountTree(draft: Draft, id: MountId, kind: UmountKind): void {
  const gone = new Set(mountTree(draft, id).map((mount) => mount.id));
  if (kind.propagate) {
    // Who can unmount the original can unmount the copies. propagate_mount_unlock.
    for (const other of counterparts(draft, draft.mount(id))) {
      draft.changeMount(other.id, { locks: { ...other.locks, place: false } });
    }
    const others = companions(draft, gone);
    for (const other of others) gone.add(other);
    slideDown(draft, others);
  }
  makePrivate(draft, [...gone]);
  for (const each of gone) {
    const { parent, locks } = draft.mount(each);
    const stays =
      parent !== null &&
      gone.has(parent) &&
      (kind.connected === "yes" || (kind.connected === "locked" && locks.place));
    draft.changeMount(each, {
      namespace: null,
      ...(stays ? {} : { parent: null, mountpoint: null }),
    });
  }
}

/** Takes away what nobody can reach any more: at the end of each operation. */
export function collect(draft: Draft): void {
  for (const namespace of draft.namespaces) {
    const used = namespace.anonymous
      ? draft.processes.some(({ descriptors }) =>
          Object.values(descriptors).some((d) => d.detached && d.mount === namespace.root),
        )
      : draft.processes.some((process) => process.namespace === namespace.id);
    if (used) continue;
    const connected = namespace.anonymous ? "yes" : "locked";
    umountTree(draft, namespace.root, { propagate: false, connected });
    draft.removeNamespace(namespace.id);
  }
  // A mount that is unmounted and not in use goes, and lets go of those that are mounted on it.
  for (const mount of draft.mounts) {
    if (mount.namespace !== null || mount.parent !== null) continue;
    dropUnused(draft, mount);
  }
  const shown = new Set(draft.mounts.map(({ superblock }) => superblock));
  for (const { id } of draft.superblocks) if (!shown.has(id)) draft.removeSuperblock(id);
}

function dropUnused(draft: Draft, mount: Mount): void {
  if (references(draft, mount.id) > 0) return;
  const children = draft.childrenOf(mount.id);
  draft.removeMount(mount.id);
  for (const child of children) {
    dropUnused(draft, draft.changeMount(child.id, { parent: null, mountpoint: null }));
  }
}
