/** Copies of mounts and of trees of mounts: clone_mnt, copy_tree and lock_mnt_tree. */

import type { Draft } from "./draft.ts";
import { lockedFlags } from "./flags.ts";
import { refuse } from "./outcome.ts";
import type { DentryId, Mount, MountId } from "./state.ts";
import { isBelow, mountTree } from "./tree.ts";

export type CopyKind = {
  /** The copy becomes a slave of the original's peer group, not a member (CL_SLAVE). */
  readonly slave?: boolean;
  /** The copy is shared, in a new group if need be (CL_MAKE_SHARED). */
  readonly shared?: boolean;
  /** Unbindable mounts are copied too: for a new mount namespace (CL_COPY_UNBINDABLE). */
  readonly unbindable?: boolean;
};

/** A copy of one mount, attached to nothing and in no namespace yet. clone_mnt. */
export function cloneMount(draft: Draft, id: MountId, root: DentryId, kind: CopyKind): Mount {
  const old = draft.mount(id);
  const group = kind.slave === true ? null : old.group;
  return draft.addMount({
    parent: null,
    mountpoint: null,
    root,
    superblock: old.superblock,
    source: old.source,
    flags: old.flags,
    // What may not be taken away stays so, but the copy itself may go anywhere.
    locks: { ...old.locks, place: false },
    group: group ?? (kind.shared === true ? draft.newGroup() : null),
    master: kind.slave === true && old.group !== null ? old.group : old.master,
    unbindable: draft.kernel.unbindableSurvivesClone && old.unbindable && kind.shared !== true,
    namespace: null,
  });
}

/**
 * A copy of a mount and of those below `dentry` on it, without the unbindable ones.
 * @returns each original with its copy; the first is the root.
 * @throws Refused with EPERM when an unbindable mount may not be left out. copy_tree.
 */
export function copyTree(
  draft: Draft,
  id: MountId,
  dentry: DentryId,
  kind: CopyKind,
): Map<MountId, MountId> {
  const copies = new Map([[id, cloneMount(draft, id, dentry, kind).id]]);
  const copyBelow = (parent: Mount): void => {
    for (const child of draft.childrenOf(parent.id)) {
      const at = child.mountpoint;
      const to = copies.get(parent.id);
      if (at === null || to === undefined) continue;
      if (parent.id === id && !isBelow(draft, at, dentry)) continue;
      if (child.unbindable && kind.unbindable !== true) {
        if (!child.locks.place) continue;
        refuse(
          "EPERM",
          "A mount below is unbindable, and locked besides: it can neither be copied nor left out.",
          "Make the bind mount in the namespace that owns that mount.",
        );
      }
      const copy = cloneMount(draft, child.id, child.root, kind);
      draft.changeMount(copy.id, {
        parent: to,
        mountpoint: at,
        locks: { ...copy.locks, place: child.locks.place },
      });
      copies.set(child.id, copy.id);
      copyBelow(child);
    }
  };
  copyBelow(draft.mount(id));
  return copies;
}

/** What comes from a more privileged namespace can be taken as a whole only. lock_mnt_tree. */
export function lockTree(draft: Draft, id: MountId): void {
  for (const mount of mountTree(draft, id)) {
    const locks = lockedFlags(mount.flags, mount.locks, mount.locks.place || mount.id !== id);
    draft.changeMount(mount.id, { locks });
  }
}
