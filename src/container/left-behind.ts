/**
 * What containers have left behind whose executor was killed: `system check` names it, and
 * `system prune` (prune.ts) takes it away.
 */

import { existsSync } from "node:fs";
import { isLocked, readLinkIfThere } from "../host/first-process.ts";
import { listIfThere } from "../host/list-if-there.ts";
import { mountedLayers } from "../host/mounted-layers.ts";
import { staleLeases } from "../network/lease.ts";
import { leftOfNetworks } from "../network/remains.ts";
import { abandonedVolumes } from "../volume/abandoned.ts";
import type { Roots } from "./roots.ts";
import { listStates, readState } from "./state.ts";
import { staleRanges } from "./user-ranges.ts";

/** Asks which containers' files stay. */
export type Kept = () => Promise<ReadonlySet<string>>;

/**
 * Writable layers whose container has no state any more: the state goes last, so nobody's. One that is
 * mounted is somebody's, whose states are elsewhere (--runroot).
 */
export async function orphanedData({ runRoot, dataRoot }: Roots, kept: Kept): Promise<string[]> {
  // In this order: a container that starts meanwhile has its row and its state before its layer.
  const found = listIfThere(`${dataRoot}/containers`);
  const known = new Set(listStates(runRoot));
  const rows = await kept();
  const nobodys = found.filter((id) => !known.has(id) && !rows.has(id));
  if (nobodys.length === 0) return [];
  const mounted = mountedLayers();
  return nobodys.filter((id) => !mounted.has(id)).map((id) => `${dataRoot}/containers/${id}`);
}

/** Names that point at a container that is gone. */
export function danglingNames({ runRoot }: Roots): string[] {
  // In this order: a container that starts meanwhile has its state before its name.
  const targets = listIfThere(`${runRoot}/names`).flatMap((name) => {
    const path = `${runRoot}/names/${name}`;
    const target = readLinkIfThere(path);
    return target === null ? [] : [{ path, id: target.replace(/^.*\//, "") }];
  });
  const known = new Set(listStates(runRoot));
  return targets.filter(({ id }) => !known.has(id)).map(({ path }) => path);
}

/** Where a volume is filled until it is whole (volume/make.ts). */
export const unfinishedVolume = ({ dataRoot }: Pick<Roots, "dataRoot">): string =>
  `${dataRoot}/volumes/.new`;

/** A state that nobody holds: its executor was killed, or the machine has stopped. */
function killedContainers({ runRoot }: Roots): string[] {
  return listStates(runRoot)
    .map((id) => readState(runRoot, id))
    .filter(({ directory }) => existsSync(directory) && !isLocked(directory))
    .map(({ id, directory, state }) => {
      const cgroups = (state?.cgroups ?? []).filter((path) => existsSync(path)).length;
      const more = cgroups === 0 ? "" : ` and ${cgroups} cgroup${cgroups === 1 ? "" : "s"}`;
      return `container ${id.slice(0, 12)} was killed, and has left ${directory}${more}`;
    });
}

/** All of it, in one line each; nothing is changed. */
export async function findLeftBehind(roots: Roots, kept: Kept): Promise<string[]> {
  const fresh = unfinishedVolume(roots);
  return [
    ...killedContainers(roots),
    ...(await orphanedData(roots, kept)).map((path) => `${path} belongs to no container`),
    ...danglingNames(roots).map((path) => `${path} is the name of no container`),
    ...(existsSync(fresh) && !isLocked(`${roots.dataRoot}/volumes`)
      ? [`${fresh} is a volume that was never complete`]
      : []),
    ...abandonedVolumes(roots).map((path) => `${path} is what is left of a removed volume`),
    ...leftOfNetworks(roots).map((path) => `${path} is of a network that could not be left`),
    ...staleLeases(roots).map((path) => `${path} is leased to no container`),
    ...staleRanges(roots).map((path) => `${path} keeps user ids for no container`),
  ];
}
