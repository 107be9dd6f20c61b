/** Attaching a tree of mounts, and giving copies of it to all that the place propagates to. */

import { copyTree, lockTree } from "./copy.ts";
import type { Draft } from "./draft.ts";
import { refuse } from "./outcome.ts";
import { receivers } from "./propagation.ts";
import type { DentryId, GroupId, Mount, MountId, NamespaceId, Path, Process } from "./state.ts";
import { climb, isBelow, mountTree, topmost } from "./tree.ts";

/**
 * Where something that is mounted on `path` really goes: on top of what is mounted there already.
 * do_lock_mount in fs/namespace.c.
 * @throws Refused with ENOENT.
 */
export function lockMountpoint(draft: Draft, path: Path): Path {
  const end = climb(draft, path);
  if (draft.dentry(end.dentry).removed === true) {
    refuse(
      "ENOENT",
      "The directory has been removed: nothing can be mounted on it.",
      "Leave it for a directory that has a name.",
    );
  }
  if (draft.mount(path.mount).namespace === null) {
    refuse(
      "ENOENT",
      "The mount that the path lies on has been unmounted already.",
      "Go to a directory of a mount that is still attached: cd /.",
    );
  }
  return end;
}

/** Says of a whole tree which namespace it is in. */
function setNamespace(draft: Draft, id: MountId, namespace: NamespaceId | null): void {
  for (const mount of mountTree(draft, id)) draft.changeMount(mount.id, { namespace });
}

/** Can this mount get a copy? need_secondary in fs/pnode.c. */
function wants(draft: Draft, mount: Mount, mountpoint: DentryId): boolean {
  if (mount.namespace === null || draft.namespace(mount.namespace).anonymous) return false;
  return isBelow(draft, mountpoint, mount.root);
}

/** Copies for all that `dest` propagates to, with their places. propagate_mnt in fs/pnode.c. */
function propagate(
  draft: Draft,
  source: MountId,
  dest: Mount,
  mountpoint: DentryId,
  fresh: ReadonlySet<GroupId>,
): { readonly copy: MountId; readonly on: MountId }[] {
  const made: { copy: MountId; on: MountId }[] = [];
  // The copy that a group has got: what its slaves get is a slave of that one.
  const copies = new Map<GroupId, MountId>();
  const masters = new Map<GroupId, GroupId | null>();
  if (dest.group !== null) copies.set(dest.group, source);
  const nearest = (group: GroupId | null): MountId => {
    for (let at = group; at !== null; at = masters.get(at) ?? null) {
      const copy = copies.get(at);
      if (copy !== undefined) return copy;
    }
    return source;
  };
  for (const { members, group, master } of receivers(draft, dest)) {
    if (group !== null) masters.set(group, master);
    // The first of a group of slaves is a slave of the master's copy, the others are its peers.
    let from = master === null ? source : nearest(master);
    let slave = master !== null;
    for (const member of members) {
      if (!wants(draft, member, mountpoint)) continue;
      const kind = { slave, shared: group !== null && !fresh.has(group) };
      const copy = copyTree(draft, from, draft.mount(from).root, kind).get(from);
      if (copy === undefined) continue;
      made.push({ copy, on: member.id });
      from = copy;
      slave = false;
      if (group !== null && master !== null) copies.set(group, copy);
    }
  }
  return made;
}

/** Attaches a tree; what was on the place before comes to lie on top of it ("tucked"). */
function commit(draft: Draft, process: Process, child: MountId, on: MountId, at: DentryId): void {
  const before = draft.mountOn({ mount: on, dentry: at });
  const { namespace } = draft.mount(on);
  draft.changeMount(child, { parent: on, mountpoint: at });
  setNamespace(draft, child, namespace);
  const owner = namespace === null ? null : draft.namespace(namespace).owner;
  // Mounts that come from a more privileged namespace can be taken as a whole only.
  if (owner !== draft.namespace(process.namespace).owner) lockTree(draft, child);
  if (before === undefined) return;
  // Its lock stays with it: what came beneath may be unmounted as a whole.
  const top = topmost(draft, draft.mount(child));
  draft.changeMount(before.id, { parent: top.id, mountpoint: top.root });
}

/**
 * Attaches a tree that is new, detached, or attached elsewhere till now. attach_recursive_mnt in
 * fs/namespace.c.
 * @param place from `lockMountpoint`
 */
export function attach(draft: Draft, process: Process, source: MountId, place: Path): void {
  if (draft.dentry(topmost(draft, draft.mount(source)).root).removed === true) {
    refuse(
      "ENOENT",
      "What is to be mounted has been removed.",
      "Mount a directory or file that has a name.",
    );
  }
  const dest = draft.mount(place.mount);
  let copies: { readonly copy: MountId; readonly on: MountId }[] = [];
  if (dest.group !== null) {
    // What is moved may itself get a copy: it counts as shared only when all is done.
    const fresh = new Set<GroupId>();
    for (const { id, group } of mountTree(draft, source)) {
      if (group !== null) continue;
      const made = draft.newGroup();
      fresh.add(made);
      draft.changeMount(id, { group: made });
    }
    copies = propagate(draft, source, dest, place.dentry, fresh);
    for (const { id } of mountTree(draft, source)) draft.changeMount(id, { unbindable: false });
  }
  const { parent, namespace } = draft.mount(source);
  // The namespace of a detached tree ends when the tree is attached.
  if (parent === null && namespace !== null) draft.removeNamespace(namespace);
  draft.changeMount(source, { parent: null, mountpoint: null });
  commit(draft, process, source, place.mount, place.dentry);
  for (const { copy, on } of copies) commit(draft, process, copy, on, place.dentry);
}
