/** Propagation types and flags of mounts that are there: mount(2), mount_setattr(2). */

import type { Draft } from "../draft.ts";
import { changedFlags, mayChange, remountedFlags } from "../flags.ts";
import { lookup, openPlaces } from "../lookup.ts";
import { refuse } from "../outcome.ts";
import { changePropagation } from "../propagation.ts";
import { setReadOnly } from "../read-only.ts";
import { capable, requireMayMount } from "../rights.ts";
import type { Path, Process } from "../state.ts";
import { isDetachedRoot, isMountRoot, isOurs, mountTree } from "../tree.ts";
import type { OperationOf } from "./mount.ts";

function requireMountRoot(draft: Draft, path: Path): void {
  if (isMountRoot(draft, path)) return;
  refuse(
    "EINVAL",
    "The path is no mount point, but a directory or file on a mount.",
    "Make it one: mount --bind DIR DIR.",
  );
}

function refuseLocked(): never {
  refuse(
    "EPERM",
    "The mount came from a more privileged namespace with flags that may not be taken away.",
    "Repeat the flags that it has: ro, nosuid, nodev, noexec, and those of access times.",
  );
}

/** do_change_type. */
export function propagation(draft: Draft, process: Process, op: OperationOf<"propagation">): void {
  const path = lookup(draft, process, op.target);
  requireMayMount(draft, process);
  requireMountRoot(draft, path);
  const mount = draft.mount(path.mount);
  if (mount.namespace === null) {
    refuse(
      "EINVAL",
      "The mount has been unmounted already, and so has no peers.",
      "Go to a mount that is still attached: cd /.",
    );
  }
  const namespace = draft.namespace(mount.namespace);
  if (draft.kernel.propagationNeedsOwner && !capable(draft, process, namespace.owner)) {
    refuse(
      "EPERM",
      "The mount is in a namespace of another user namespace.",
      "Change it from within that namespace.",
    );
  }
  if (!draft.kernel.propagationNeedsOwner && !isOurs(process, mount)) {
    refuse(
      "EINVAL",
      "The mount is in another mount namespace.",
      "Change it from within that namespace.",
    );
  }
  const all = op.recursive ? mountTree(draft, mount.id) : [mount];
  for (const { id } of all) changePropagation(draft, id, op.type);
}

/** do_reconfigure_mnt and do_remount. */
export function remount(draft: Draft, process: Process, op: OperationOf<"remount">): void {
  const path = lookup(draft, process, op.target);
  requireMayMount(draft, process);
  const mount = draft.mount(path.mount);
  if (!isOurs(process, mount)) {
    refuse(
      "EINVAL",
      "The mount is in another mount namespace, or has been unmounted already.",
      "Enter that namespace first: nsenter --mount.",
    );
  }
  requireMountRoot(draft, path);
  const flags = remountedFlags(mount.flags, op.attributes);
  if (!mayChange(mount.locks, mount.flags, flags)) refuseLocked();
  if (!op.bind) {
    const superblock = draft.superblock(mount.superblock);
    if (!capable(draft, process, superblock.userNamespace)) {
      refuse(
        "EPERM",
        "The file system belongs to another user namespace.",
        "Change the mount alone: mount -o remount,bind.",
      );
    }
    setReadOnly(draft, superblock, flags.ro);
  }
  draft.changeMount(mount.id, { flags });
}

/** do_mount_setattr: all of the tree, or nothing. */
export function mountSetattr(
  draft: Draft,
  process: Process,
  op: OperationOf<"mount_setattr">,
): void {
  openPlaces(draft, process, op.path);
  requireMayMount(draft, process);
  if (op.set.length === 0 && op.clear.length === 0 && op.propagation === null) return;
  const path = lookup(draft, process, op.path);
  requireMountRoot(draft, path);
  const mount = draft.mount(path.mount);
  if (!isOurs(process, mount) && !isDetachedRoot(draft, mount)) {
    refuse(
      "EINVAL",
      "The mount is neither in this mount namespace nor the root of a detached tree.",
      "Change it from within its own namespace.",
    );
  }
  const all = op.recursive ? mountTree(draft, mount.id) : [mount];
  for (const { id, locks, flags } of all) {
    const next = changedFlags(flags, op.set, op.clear);
    if (!mayChange(locks, flags, next)) refuseLocked();
    draft.changeMount(id, { flags: next });
    if (op.propagation !== null) changePropagation(draft, id, op.propagation);
  }
}
