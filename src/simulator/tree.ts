/** Trees: of dentries in a file system, and of mounts on each other. */

import type { Draft } from "./draft.ts";
import type { DentryId, Mount, MountId, Path, Process } from "./state.ts";

/** Is a dentry another one, or below it? is_subdir in fs/dcache.c. */
export function isBelow(draft: Draft, dentry: DentryId, top: DentryId): boolean {
  for (let at: DentryId | null = dentry; at !== null; at = draft.dentry(at).parent) {
    if (at === top) return true;
  }
  return false;
}

export const isDirectory = (draft: Draft, dentry: DentryId): boolean =>
  draft.dentry(dentry).kind === "directory";

/** A mount's root directory, as a place. */
export const rootOf = (mount: Mount): Path => ({ mount: mount.id, dentry: mount.root });

export const samePath = (a: Path, b: Path): boolean => a.mount === b.mount && a.dentry === b.dentry;

/** Is the place the root of its mount? path_mounted in fs/mount.h. */
export const isMountRoot = (draft: Draft, path: Path): boolean =>
  draft.mount(path.mount).root === path.dentry;

/** The mount and all that is mounted on it, parents first; next_mnt in fs/namespace.c. */
export function mountTree(draft: Draft, id: MountId): Mount[] {
  return [draft.mount(id), ...draft.childrenOf(id).flatMap((child) => mountTree(draft, child.id))];
}

/** What covers a mount's whole root, if anything. */
export const overmount = (draft: Draft, mount: Mount): Mount | undefined =>
  draft.mountOn(rootOf(mount));

/** The topmost mount of the stack on a mount's root. */
export function topmost(draft: Draft, mount: Mount): Mount {
  let top = mount;
  for (let next = overmount(draft, top); next !== undefined; next = overmount(draft, top))
    top = next;
  return top;
}

/** Up the stack of what is mounted on a place; traverse_mounts in fs/namei.c. */
export function climb(draft: Draft, path: Path): Path {
  const on = draft.mountOn(path);
  return on === undefined ? path : rootOf(topmost(draft, on));
}

/** Can one get from `root` down to a place? is_path_reachable in fs/namespace.c. */
export function isReachable(draft: Draft, path: Path, root: Path): boolean {
  let { mount, dentry } = path;
  while (mount !== root.mount) {
    const { parent, mountpoint } = draft.mount(mount);
    if (parent === null || mountpoint === null) return false;
    mount = parent;
    dentry = mountpoint;
  }
  return isBelow(draft, dentry, root.dentry);
}

export function isAncestor(draft: Draft, ancestor: MountId, id: MountId): boolean {
  for (let at: MountId | null = id; at !== null; at = draft.mount(at).parent) {
    if (at === ancestor) return true;
  }
  return false;
}

/** Is the mount in the caller's namespace? check_mnt in fs/namespace.c. */
export const isOurs = (process: Process, mount: Mount): boolean =>
  mount.namespace === process.namespace;

/** Is it the root of a detached tree? anon_ns_root in fs/namespace.c. */
export function isDetachedRoot(draft: Draft, mount: Mount): boolean {
  if (mount.namespace === null) return false;
  const namespace = draft.namespace(mount.namespace);
  return namespace.anonymous && namespace.root === mount.id;
}

/** A path within a file system: `/a/b`. */
export function dentryPath(draft: Draft, dentry: DentryId, top: DentryId | null = null): string {
  const names: string[] = [];
  for (let at: DentryId | null = dentry; at !== null && at !== top; ) {
    const { name, parent } = draft.dentry(at);
    if (parent !== null) names.unshift(name);
    at = parent;
  }
  return `/${names.join("/")}`;
}

/** How many open files, roots and working directories keep a mount busy. */
export function references(draft: Draft, id: MountId): number {
  let count = 0;
  for (const { root, cwd, descriptors } of draft.processes) {
    if (root.mount === id) count++;
    if (cwd.mount === id) count++;
    for (const descriptor of Object.values(descriptors)) if (descriptor.mount === id) count++;
  }
  return count;
}
