/** Peer groups: who is in them, who gets what from them, and how a mount changes its type. */

import type { Draft } from "./draft.ts";
import type { Propagation } from "./operation.ts";
import type { GroupId, Mount, MountId } from "./state.ts";

export const peersOf = (draft: Draft, group: GroupId): Mount[] =>
  draft.mounts.filter((mount) => mount.group === group);

/** Mounts that get what one group gets: its peers, or one slave that shares with nobody. */
export type Receivers = {
  readonly members: readonly Mount[];
  readonly group: GroupId | null;
  /** The group that it comes from; null for the mount's own peers. */
  readonly master: GroupId | null;
};

/**
 * All that a mount propagates to, masters before their slaves: its other peers, then the slaves of
 * every group that was reached. propagation_next in fs/pnode.c.
 */
export function receivers(draft: Draft, from: Mount): Receivers[] {
  const { group } = from;
  if (group === null) return [];
  const all: Receivers[] = [
    { members: peersOf(draft, group).filter(({ id }) => id !== from.id), group, master: null },
  ];
  const visit = (master: GroupId): void => {
    const slaves = draft.mounts.filter((mount) => mount.master === master);
    const groups = new Set<GroupId>();
    for (const slave of slaves) {
      if (slave.group === null) all.push({ members: [slave], group: null, master });
      else groups.add(slave.group);
    }
    for (const next of groups) {
      all.push({ members: slaves.filter((slave) => slave.group === next), group: next, master });
      visit(next);
    }
  };
  visit(group);
  return all;
}

/** The mount's slaves have another master now; who was alone in its group leaves none behind. */
function leaveGroup(draft: Draft, mount: Mount): GroupId | null {
  const { group } = mount;
  if (group === null) return mount.master;
  draft.changeMount(mount.id, { group: null });
  if (peersOf(draft, group).length > 0) return group;
  for (const slave of draft.mounts) {
    if (slave.master === group) draft.changeMount(slave.id, { master: mount.master });
  }
  return mount.master;
}

/** change_mnt_propagation in fs/pnode.c. */
export function changePropagation(draft: Draft, id: MountId, type: Propagation): void {
  const mount = draft.mount(id);
  if (type === "shared") {
    draft.changeMount(id, { group: mount.group ?? draft.newGroup(), unbindable: false });
    return;
  }
  const master = leaveGroup(draft, mount);
  if (type === "slave") draft.changeMount(id, { master });
  else draft.changeMount(id, { master: null, unbindable: type === "unbindable" });
}

/** For mounts that go: none keeps a group, and slaves find the next master. bulk_make_private. */
export function makePrivate(draft: Draft, ids: readonly MountId[]): void {
  for (const id of ids) {
    leaveGroup(draft, draft.mount(id));
    draft.changeMount(id, { master: null });
  }
}
