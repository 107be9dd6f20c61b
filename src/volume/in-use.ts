/** Which containers use a volume: those that run, and those that were kept. */

import { listStates, readState } from "../container/state.ts";
import type { Roots } from "../container/roots.ts";
import { notedUsers } from "./store.ts";

/** A container as people know it. */
export type VolumeUser = { readonly id: string; readonly name: string | null };

/** The users of each volume, by its name. */
export type VolumesInUse = ReadonlyMap<string, readonly VolumeUser[]>;

/**
 * Reads what containers there are and the volumes that they have. A container's state is there before
 * it is noted in the volume, and both before it has the volume.
 */
export function volumesInUse(roots: Roots): VolumesInUse {
  const users = new Map<string, VolumeUser[]>();
  for (const id of listStates(roots.runRoot)) {
    const { state } = readState(roots.runRoot, id);
    const user = { id, name: state?.name ?? null };
    const names = (state?.mounts ?? []).flatMap((mount) =>
      mount.type === "volume" && mount.source !== undefined ? [mount.source] : [],
    );
    for (const name of new Set(names)) users.set(name, [...(users.get(name) ?? []), user]);
  }
  return users;
}

/** Of the containers that are noted as users of a volume, those that are no more. */
export function goneUsers(roots: Roots, volume: string): readonly string[] {
  // In this order: a container that starts meanwhile has its state before it is noted.
  const noted = notedUsers(roots, volume);
  if (noted.length === 0) return [];
  const known = new Set(listStates(roots.runRoot));
  return noted.filter((id) => !known.has(id));
}
