/**
 * Leases: marks that an address of a network, or a port of the host, is some container's.
 *
 *      RUNROOT/network/leases/NETWORK-ID/10.90.0.2  -> the container's id
 *      RUNROOT/network/leases/ports/tcp-8080@0.0.0.0 -> the container's id
 *
 * A symbolic link is made by one of many who want it, and read in one piece. The container's plan
 * takes it away at the end; what a kill leaves over is nobody's as soon as the container has no state.
 */

import { existsSync, lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import type { Roots } from "../container/roots.ts";
import { inTransaction, withDatabase } from "../engine/database.ts";
import { listIfThere } from "../host/list-if-there.ts";
import { sharedDirectory } from "./network.ts";

export const leaseDirectory = (roots: Pick<Roots, "runRoot">, of: string): string =>
  `${sharedDirectory(roots)}/leases/${of}`;

/** Behind the owner when that runs already: then no start is being planned. */
const runs = " runs";

/** Milliseconds that a start takes at most from its plan to its state directory. */
const planningTime = 60_000;

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

export function ownerOf(path: string): string | null {
  try {
    return readlinkSync(path).split(" ")[0] ?? null;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Its container has no state, and is not one whose start is being planned. */
function isStale(path: string, { runRoot }: Pick<Roots, "runRoot">): boolean {
  const owner = ownerOf(path);
  if (owner === null || existsSync(`${runRoot}/${owner}`)) return false;
  if (readlinkSync(path).endsWith(runs)) return true;
  const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Math.abs(Date.now() - made) > planningTime;
}

/** One at a time: of two who see the same stale lease, the second would remove the first one's. */
const removeStale = (path: string, roots: Roots): Promise<void> =>
  withDatabase(roots.dataRoot, (database) =>
    inTransaction(database, () => {
      if (isStale(path, roots)) rmSync(path, { force: true });
    }),
  );

function tryToTake(path: string, owner: string): boolean {
  try {
    symlinkSync(owner, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

export type Lease = {
  readonly path: string;
  /** It was made now; else the container had it already: another start of it may be under way. */
  readonly isNew: boolean;
};

/**
 * Takes a lease for a container.
 *
 * @param isRunning it is one that runs: the lease is nobody's as soon as it does not
 * @returns null when another container has it
 */
export async function takeLease(
  roots: Roots,
  of: string,
  name: string,
  id: string,
  isRunning = false,
): Promise<Lease | null> {
  const directory = leaseDirectory(roots, of);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/${name}`;
  const owner = isRunning ? id + runs : id;
  if (tryToTake(path, owner)) return { path, isNew: true };
  if (ownerOf(path) === id) return { path, isNew: false };
  if (!isStale(path, roots)) return null;
  await removeStale(path, roots);
  return tryToTake(path, owner) ? { path, isNew: true } : null;
}

/** Of a start that does not come about: those that were made for it, and are nobody else's by now. */
export function releaseLeases(leases: readonly Lease[], id: string): void {
  for (const { path, isNew } of leases) {
    if (isNew && ownerOf(path) === id) rmSync(path, { force: true });
  }
}

/** All leases of a container. */
export function leasesOf(roots: Pick<Roots, "runRoot">, id: string): string[] {
  const all = leaseDirectory(roots, "");
  return listIfThere(all).flatMap((of) =>
    listIfThere(`${all}${of}`)
      .map((name) => `${all}${of}/${name}`)
      .filter((path) => ownerOf(path) === id),
  );
}

/** A container that has no state yet has an address of the network. */
export function isAboutToBeUsed(of: string, roots: Roots): boolean {
  const directory = leaseDirectory(roots, of);
  return listIfThere(directory).some((name) => {
    const path = `${directory}/${name}`;
    const owner = ownerOf(path);
    return owner !== null && !existsSync(`${roots.runRoot}/${owner}`) && !isStale(path, roots);
  });
}

/** Of a network that is removed. */
export const forgetLeases = (roots: Pick<Roots, "runRoot">, of: string): void =>
  rmSync(leaseDirectory(roots, of), { recursive: true, force: true });

/** Paths of those that killed containers have left over. */
export function staleLeases(roots: Roots): string[] {
  const all = `${sharedDirectory(roots)}/leases`;
  return listIfThere(all).flatMap((of) =>
    listIfThere(`${all}/${of}`)
      .map((name) => `${all}/${of}/${name}`)
      .filter((path) => isStale(path, roots)),
  );
}

/** For `system prune`. */
export async function removeStaleLeases(roots: Roots): Promise<void> {
  for (const path of staleLeases(roots)) await removeStale(path, roots);
}
