/** mount(2): new file systems and bind mounts. */

import { attach, lockMountpoint } from "../attach.ts";
import { cloneMount, copyTree } from "../copy.ts";
import type { Draft } from "../draft.ts";
import { superblockFor } from "../file-systems.ts";
import { flagsFrom, noLocks } from "../flags.ts";
import { lookup } from "../lookup.ts";
import type { Attribute, Operation, Where } from "../operation.ts";
import { refuse } from "../outcome.ts";
import { requireMayMount } from "../rights.ts";
import type { Mount, Path, Process } from "../state.ts";
import { isBelow, isDirectory, isOurs } from "../tree.ts";

export type OperationOf<N extends Operation["op"]> = Extract<Operation, { readonly op: N }>;

/** A mount of a whole file system that is attached to nothing yet. vfs_create_mount. */
export function newMount(
  draft: Draft,
  process: Process,
  given: {
    readonly type: string;
    readonly source: string;
    readonly options: readonly string[];
    readonly attributes: readonly Attribute[];
  },
  readonly: boolean,
): Mount {
  const { type, options, attributes } = given;
  const superblock = superblockFor(draft, process, type, options, attributes, readonly);
  return draft.addMount({
    parent: null,
    mountpoint: null,
    root: superblock.root,
    superblock: superblock.id,
    source: given.source,
    flags: flagsFrom(attributes),
    locks: noLocks,
    group: null,
    master: null,
    unbindable: false,
    namespace: null,
  });
}

function requireOurPlace(draft: Draft, process: Process, place: Path): void {
  if (isOurs(process, draft.mount(place.mount))) return;
  refuse(
    "EINVAL",
    "The target lies on a mount of another mount namespace.",
    "Enter that namespace first: nsenter --mount.",
  );
}

/** graft_tree. */
function graft(draft: Draft, process: Process, source: Mount, place: Path): void {
  if (isDirectory(draft, place.dentry) !== isDirectory(draft, source.root)) {
    refuse(
      "ENOTDIR",
      "A directory can be mounted on a directory only, and a file on a file.",
      "Make the target of the same kind: mkdir, or touch.",
    );
  }
  attach(draft, process, source.id, place);
}

/** do_new_mount and do_add_mount. */
export function mountNew(draft: Draft, process: Process, op: OperationOf<"mount">): void {
  const target = lookup(draft, process, op.target);
  requireMayMount(draft, process);
  // MS_RDONLY makes both read-only, the file system and its mount.
  const made = newMount(draft, process, op, op.attributes.includes("ro"));
  const place = lockMountpoint(draft, target);
  requireOurPlace(draft, process, place);
  const on = draft.mount(place.mount);
  if (on.superblock === made.superblock && on.root === place.dentry) {
    refuse(
      "EBUSY",
      "This very file system is mounted there already.",
      "Leave it as it is, or mount it in another place.",
    );
  }
  graft(draft, process, made, place);
}

/** May this process copy the mount? may_copy_tree. */
export function mayUse(draft: Draft, process: Process, mount: Mount): boolean {
  if (isOurs(process, mount)) return true;
  if (mount.namespace === null) return false;
  const { anonymous, origin } = draft.namespace(mount.namespace);
  return anonymous && (origin === null || origin === process.namespace);
}

/** Copies what is shown at a path, detached as yet. __do_loopback. */
export function copyOf(draft: Draft, process: Process, from: Path, recursive: boolean): Mount {
  const old = draft.mount(from.mount);
  if (old.unbindable) {
    refuse(
      "EINVAL",
      "The mount is unbindable: it cannot be shown in a second place.",
      "Make it private first: mount --make-private.",
    );
  }
  if (!mayUse(draft, process, old)) {
    refuse(
      "EINVAL",
      "The source lies on a mount that is not in this mount namespace.",
      "Reach it from within the namespace that it is mounted in.",
    );
  }
  const locked = draft
    .childrenOf(old.id)
    .some(({ locks, mountpoint }) =>
      locks.place && mountpoint !== null ? isBelow(draft, mountpoint, from.dentry) : false,
    );
  if (!recursive && locked) {
    refuse(
      "EINVAL",
      "A bind mount without what is mounted below would reveal what a locked mount hides.",
      "Copy the whole tree: mount --rbind.",
    );
  }
  if (!recursive) return cloneMount(draft, old.id, from.dentry, {});
  const copy = copyTree(draft, old.id, from.dentry, {}).get(old.id);
  return draft.mount(copy ?? old.id);
}

/** Where a bind mount or a move comes from: mount(2) asks whether it is named at all. */
export function lookupSource(draft: Draft, process: Process, source: Where): Path {
  if (source === "") {
    refuse("EINVAL", "mount(2) has been given no source.", "Name a directory or a file.");
  }
  return lookup(draft, process, source);
}

/** do_loopback. */
export function bind(draft: Draft, process: Process, op: OperationOf<"bind">): void {
  const target = lookup(draft, process, op.target);
  requireMayMount(draft, process);
  const source = lookupSource(draft, process, op.source);
  const place = lockMountpoint(draft, target);
  requireOurPlace(draft, process, place);
  graft(draft, process, copyOf(draft, process, source, op.recursive), place);
}
