/**
 * Leases: marks that an address of a network, or a port of the host, is some container's.
 *
 *      RUNROOT/network/leases/NETWORK-ID/10.90.0.2  -> the container's id
 *      RUNROOT/network/leases/ports/tcp-8080@0.0.0.0 -> the container's id
 *
 * A symbolic link is made by one of many who want it, and read in one piece. The container's plan
 * takes it away at the end; what a kill leaves over is nobody's as soon as the container has no state.
 */

import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import type { Roots } from "../container/roots.ts";
import { inTransaction, openDatabase } from "../engine/database.ts";
import { sharedDirectory } from "./network.ts";

export const leaseDirectory = (roots: Pick<Roots, "runRoot">, of: string): string =>
  `${sharedDirectory(roots)}/leases/${of}`;

/** Milliseconds that a start takes at most from its plan to its state directory. */
const planningTime = 60_000;

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

export function ownerOf(path: string): string | null {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** Its container has no state, and is not one whose start is being planned. */
function isStale(path: string, { runRoot }: Pick<Roots, "runRoot">): boolean {
  const owner = ownerOf(path);
  if (owner === null || existsSync(`${runRoot}/${owner}`)) return false;
  const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
  return made !== undefined && Math.abs(Date.now() - made) > planningTime;
}

/** Names of the leases in a directory. */
export function listLeases(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (errorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** One at a time: of two who see the same stale lease, the second would remove the first one's. */
async function removeStale(path: string, roots: Roots): Promise<void> {
  const database = await openDatabase(roots.dataRoot);
  try {
    inTransaction(database, () => {
      if (isStale(path, roots)) rmSync(path, { force: true });
    });
  } finally {
    database.close();
  }
}

function tryToTake(path: string, id: string): boolean {
  try {
    symlinkSync(id, path);
    return true;
  } catch (error) {
    if (errorCode(error) === "EEXIST") return false;
    throw error;
  }
}

/**
 * Takes a lease for a container.
 *
 * @returns its path; null when another container has it
 */
export async function takeLease(
  roots: Roots,
  of: string,
  name: string,
  id: string,
): Promise<string | null> {
  const directory = leaseDirectory(roots, of);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = `${directory}/${name}`;
  // It may be connected to the network again, from which it was disconnected.
  if (tryToTake(path, id) || ownerOf(path) === id) return path;
  if (!isStale(path, roots)) return null;
  await removeStale(path, roots);
  return tryToTake(path, id) ? path : null;
}

/** Of a start that does not come about, or of who is disconnected. */
export function releaseLeases(paths: readonly string[]): void {
  for (const path of paths) rmSync(path, { force: true });
}

/** Takes away what killed containers have left over; for `system prune`. */
export async function removeStaleLeases(roots: Roots): Promise<void> {
  const all = leaseDirectory(roots, ".");
  for (const of of listLeases(all)) {
    for (const name of listLeases(`${all}/${of}`)) {
      const path = `${all}/${of}/${name}`;
      if (isStale(path, roots)) await removeStale(path, roots);
    }
  }
}
