/** Which containers use a volume: those that run, and those that were kept. */

import type { ContainerRecord } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { listStates } from "../container/state.ts";
import { listContainers } from "../engine/status.ts";
import { notedUsers } from "./store.ts";

/** A container as people know it. */
export type VolumeUser = { readonly id: string; readonly name: string };

/** The users of each volume, by its name. */
export type VolumesInUse = ReadonlyMap<string, readonly VolumeUser[]>;

/** The volumes of a container by name, each once. */
export const volumesOf = ({ options }: Pick<ContainerRecord, "options">) => {
  const volumes = new Map<string, { readonly name: string; readonly anonymous: boolean }>();
  for (const mount of options.mounts ?? []) {
    if (mount.type !== "volume" || mount.source === undefined) continue;
    volumes.set(mount.source, { name: mount.source, anonymous: mount.anonymous === true });
  }
  return [...volumes.values()];
};

/**
 * Reads what containers there are and the volumes that they have. A container's state is there before
 * it is noted in the volume, and both before it has the volume.
 */
export async function volumesInUse(roots: Roots): Promise<VolumesInUse> {
  const users = new Map<string, VolumeUser[]>();
  for (const { id, name: container, record } of await listContainers(roots)) {
    const user = { id, name: container };
    for (const { name } of volumesOf(record)) users.set(name, [...(users.get(name) ?? []), user]);
  }
  return users;
}

/** Of the containers that are noted as users of a volume, those that are no more. */
export async function goneUsers(roots: Roots, volume: string): Promise<readonly string[]> {
  // In this order: a container that starts meanwhile has its state before it is noted.
  const noted = notedUsers(roots, volume);
  if (noted.length === 0) return [];
  const known = new Set([
    ...(await listContainers(roots)).map(({ id }) => id),
    ...listStates(roots.runRoot), // also of those whose record is not written yet
  ]);
  return noted.filter((id) => !known.has(id));
}
