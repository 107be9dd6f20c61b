/** Directories, files and links, as far as something can be mounted on them. */

import { umountTree } from "../detach.ts";
import type { Draft } from "../draft.ts";
import { childOf, knownChild, lookup, lookupParent } from "../lookup.ts";
import type { Where } from "../operation.ts";
import { refuse } from "../outcome.ts";
import type { Dentry, DentryId, MountId, Path, Process } from "../state.ts";
import type { OperationOf } from "./mount.ts";

function isReadOnly(draft: Draft, id: MountId): boolean {
  const mount = draft.mount(id);
  return mount.flags.ro || draft.superblock(mount.superblock).readonly;
}

function refuseReadOnly(): never {
  refuse(
    "EROFS",
    "The file system, or its mount, is read-only.",
    "Make it writable: mount -o remount,rw.",
  );
}

function refuseRemoved(): never {
  refuse("ENOENT", "The directory has been removed.", "Leave it for one that has a name.");
}

/** Makes a name. filename_create in fs/namei.c. */
function make(
  draft: Draft,
  process: Process,
  where: Where,
  dentry: Pick<Dentry, "kind" | "target">,
): void {
  const found = lookupParent(draft, process, where);
  if ("special" in found) {
    refuse("EEXIST", "It is there already.", "Choose another name.");
  }
  const { at, name, slash } = found.parent;
  if (draft.dentry(at.dentry).removed === true) refuseRemoved();
  if (knownChild(draft, at.dentry, name) !== undefined) {
    refuse("EEXIST", `${name} is there already.`, "Choose another name.");
  }
  if (slash && dentry.kind !== "directory") {
    refuse("ENOENT", "A name that ends with a slash is a directory's.", "Leave the slash out.");
  }
  if (isReadOnly(draft, at.mount)) refuseReadOnly();
  const { id } = draft.superblockOf(at.dentry);
  draft.addDentry(id, { ...dentry, parent: at.dentry, name });
}

export function mkdir(draft: Draft, process: Process, op: OperationOf<"mkdir">): void {
  if (op.parents === true) makeAll(draft, process, op.path);
  else make(draft, process, op.path, { kind: "directory" });
}

/** `mkdir -p`. */
function makeAll(draft: Draft, process: Process, where: Where): void {
  const path = typeof where === "string" ? where : where.path;
  const names = path.split("/").filter((name) => name !== "");
  const prefix = path.startsWith("/") ? "/" : "";
  for (let count = 1; count <= names.length; count++) {
    const part = prefix + names.slice(0, count).join("/");
    const here = typeof where === "string" ? part : { ...where, path: part };
    const found = lookupParent(draft, process, here);
    if ("special" in found) continue;
    if (childOf(draft, found.parent.at.dentry, found.parent.name) === undefined) {
      make(draft, process, here, { kind: "directory" });
    }
    lookup(draft, process, here, { directory: true });
  }
}

export function touch(draft: Draft, process: Process, op: OperationOf<"touch">): void {
  make(draft, process, op.path, { kind: "file" });
}

export function symlink(draft: Draft, process: Process, op: OperationOf<"symlink">): void {
  make(draft, process, op.path, { kind: "link", target: op.to });
}

/** The name that is to go, and what it is. */
function named(draft: Draft, at: Path, name: string): DentryId {
  if (isReadOnly(draft, at.mount)) refuseReadOnly();
  const child = childOf(draft, at.dentry, name);
  if (child === undefined) refuse("ENOENT", `There is no ${name} here.`, "Name one that is.");
  return child;
}

/** Mounts of other namespaces do not keep a name: they go with it. __detach_mounts. */
function remove(draft: Draft, process: Process, child: DentryId): void {
  const mounted = draft.mounts.filter(({ mountpoint }) => mountpoint === child);
  if (mounted.some(({ namespace }) => namespace === process.namespace)) {
    refuse("EBUSY", "Something is mounted on it.", "Unmount that first.");
  }
  const { kind } = draft.dentry(child);
  const superblock = draft.superblockOf(child);
  const isEmpty = Object.values(superblock.dentries).every(
    ({ parent, removed }) => parent !== child || removed === true,
  );
  if (kind === "directory" && !isEmpty) {
    refuse("ENOTEMPTY", "The directory is not empty.", "Empty it first.");
  }
  draft.setDentry(superblock.id, child, { ...draft.dentry(child), removed: true });
  for (const { id } of mounted) {
    // An earlier one may have taken it along.
    const mount = draft.mount(id);
    if (mount.mountpoint !== child) continue;
    if (mount.namespace !== null) umountTree(draft, id, { propagate: false, connected: "yes" });
    draft.changeMount(id, { parent: null, mountpoint: null });
  }
}

export function rmdir(draft: Draft, process: Process, op: OperationOf<"rmdir">): void {
  const found = lookupParent(draft, process, op.path);
  if ("special" in found) {
    const errno = ({ ".": "EINVAL", "..": "ENOTEMPTY", "/": "EBUSY" } as const)[found.special];
    refuse(errno, `${found.special} cannot be removed.`, "Name the directory from its parent.");
  }
  const child = named(draft, found.parent.at, found.parent.name);
  if (draft.dentry(child).kind !== "directory") {
    refuse("ENOTDIR", "It is a file.", "Remove it with rm.");
  }
  remove(draft, process, child);
}

export function unlink(draft: Draft, process: Process, op: OperationOf<"unlink">): void {
  const found = lookupParent(draft, process, op.path);
  if ("special" in found) {
    refuse("EISDIR", `${found.special} is a directory.`, "Remove it with rmdir, by its name.");
  }
  const child = named(draft, found.parent.at, found.parent.name);
  if (draft.dentry(child).kind === "directory") {
    refuse("EISDIR", "It is a directory.", "Remove it with rmdir.");
  }
  if (found.parent.slash) refuse("ENOTDIR", "It is a file.", "Leave the slash out.");
  remove(draft, process, child);
}
