/**
 * Ranges of ids for containers, each container's its own. Which are taken is seen in the records of
 * containers that are kept, and of those that run; in between stands a lease:
 *
 *      RUNROOT/userns/ID -> "uid START SIZE gid START SIZE"
 *
 * made when a start is planned, and removed by its plan once its state is there. One at a time looks
 * and takes: inside a transaction of the engine's database.
 */

import { lstatSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { inTransaction, openDatabase, withDatabase } from "../engine/database.ts";
import { isLocked, readIfThere } from "../host/first-process.ts";
import { listIfThere } from "../host/list-if-there.ts";
import { readSubordinate } from "../host/subordinate.ts";
import type { IdMappings } from "../options/facts.ts";
import type { RunOptions } from "../options/options.ts";
import { firstFree, outsideOf, type Pool, poolOf, poolOwner } from "../users/allocate.ts";
import type { IdRange } from "../users/subordinate.ts";
import { type ContainerRecord, decodeRecord } from "./record.ts";
import type { Roots } from "./roots.ts";
import { listStates, readState } from "./state.ts";
import { WishError } from "./wish-error.ts";

type Taken = { readonly uid: readonly IdRange[]; readonly gid: readonly IdRange[] };

export type TakenRange = {
  readonly uid: IdRange;
  readonly gid: IdRange;
  /** Neither file names ranges for containers. */
  readonly isDefault: boolean;
  /** Removed by the plan, or by who gives up. */
  readonly lease: string;
};

/** Milliseconds that a start takes at most from its plan to its state. */
const planningTime = 60_000;

const directoryOf = ({ runRoot }: Pick<Roots, "runRoot">): string => `${runRoot}/userns`;

/**
 * With keep-id and its kin a container of an ordinary user has all ids that the user has: that takes
 * them from nobody, as a container without a user namespace of its own does not.
 */
const hasAll = ({ userns }: RunOptions): boolean =>
  userns === "nomap" || userns === "private" || (typeof userns === "object" && "keepId" in userns);

const takenBy = (
  { idMappings, options }: Pick<ContainerRecord, "idMappings" | "options">,
  isCallers: boolean,
): Taken[] => (!idMappings || (isCallers && hasAll(options)) ? [] : [takenByMaps(idMappings)]);

/**
 * Of a container whose executor was killed processes may be left, if it had no PID namespace: also in
 * cgroups that it has made itself.
 */
const isInhabited = ({ cgroups }: ContainerRecord): boolean =>
  cgroups.some(
    (path) => (readIfThere(`${path}/cgroup.procs`) ?? "") !== "" || hasDirectories(path),
  );

function hasDirectories(path: string): boolean {
  try {
    return readdirSync(path, { withFileTypes: true }).some((entry) => entry.isDirectory());
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function readTaken(database: DatabaseSync, { runRoot }: Roots, isCallers: boolean): Taken[] {
  const ids = new Set<string>();
  const taken: Taken[] = [];
  for (const row of database.prepare("SELECT id, record FROM containers").all()) {
    ids.add(String(row["id"]));
    taken.push(...takenBy(decodeRecord(String(row["record"])) as ContainerRecord, isCallers));
  }
  for (const id of listStates(runRoot)) {
    const { state, directory } = readState(runRoot, id);
    if (ids.has(id) || state === null) continue;
    if (isLocked(directory) || isInhabited(state)) taken.push(...takenBy(state, isCallers));
  }
  return taken;
}

/** Leases that are too old for a start that is under way: one that is has to find its own (planUsersLease). */
const staleIn = (directory: string): string[] =>
  listIfThere(directory)
    .map((id) => `${directory}/${id}`)
    .filter((path) => {
      const made = lstatSync(path, { throwIfNoEntry: false })?.mtimeMs;
      return made !== undefined && Math.abs(Date.now() - made) > planningTime;
    });

/**
 * What starts have taken whose containers may have no state yet; what is too old is removed. Before the
 * states are looked at: a lease that is gone by then has become one, and the other way round it would be
 * seen in neither.
 */
function readLeases(roots: Roots): Taken[] {
  const directory = directoryOf(roots);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const path of staleIn(directory)) rmSync(path, { force: true });
  return listIfThere(directory).flatMap((id) => {
    const path = `${directory}/${id}`;
    const [uid, gid] = rangesIn(path);
    if (uid !== undefined && gid !== undefined) return [{ uid: [uid], gid: [gid] }];
    rmSync(path, { force: true });
    return [];
  });
}

/** Paths of leases that nobody needs any more. */
export const staleRanges = (roots: Roots): string[] => staleIn(directoryOf(roots));

/** For `system prune`: inside a transaction, as whoever takes a range is. */
export async function removeStaleRanges(roots: Roots): Promise<void> {
  if (staleRanges(roots).length === 0) return;
  await withDatabase(roots.dataRoot, (database) =>
    inTransaction(database, () => {
      for (const path of staleRanges(roots)) rmSync(path, { force: true });
    }),
  );
}

function rangesIn(path: string): IdRange[] {
  try {
    const words = readlinkSync(path).matchAll(/[ug]id (\d+) (\d+)/g);
    return [...words].map(([, start, size]) => ({ start: Number(start), size: Number(size) }));
  } catch {
    return []; // its container has its state by now
  }
}

function howToGetMore({ isDefault, isCallers }: Pool): string {
  if (isDefault) return "remove containers that are not needed";
  return isCallers === true
    ? "remove containers that are not needed, get more ids (usermod --add-subuids, --add-subgids)"
    : `add a range for ${poolOwner} to /etc/subuid and /etc/subgid, or remove containers`;
}

type Pools = { readonly uid: Pool; readonly gid: Pool };

function poolsOfFiles(): Pools {
  const files = readSubordinate();
  return { uid: poolOf(files.uid), gid: poolOf(files.gid) };
}

function takeFree(pool: Pool, taken: readonly IdRange[], size: number, what: string): IdRange {
  const found = firstFree(pool.ranges, taken, size);
  if (found !== null) return found;
  throw new WishError([
    `--userns: there are no ${size} ${what} in a row left for containers: ${howToGetMore(pool)}, or ask for fewer by --userns auto:size=N`,
  ]);
}

/**
 * Takes a range of users and one of groups that no other container of the store has.
 *
 * @param size how many of each
 * @param others ids outside that are the container's besides
 * @param given what they are taken of; absent: what the files have for containers
 * @throws WishError when there are none left
 */
export async function takeRange(
  roots: Roots,
  id: string,
  size: { readonly uid: number; readonly gid: number },
  others: Taken,
  given?: Pools,
): Promise<TakenRange> {
  const pools = given ?? poolsOfFiles();
  const database = await openDatabase(roots.dataRoot);
  try {
    return inTransaction(database, () => {
      const leased = readLeases(roots);
      const taken = readTaken(database, roots, pools.uid.isCallers === true);
      const all = [...taken, ...leased, others];
      const used = { uid: all.flatMap(({ uid }) => uid), gid: all.flatMap(({ gid }) => gid) };
      const uid = takeFree(pools.uid, used.uid, size.uid, "uids");
      const gid = takeFree(pools.gid, used.gid, size.gid, "gids");
      const lease = `${directoryOf(roots)}/${id}`;
      symlinkSync(`uid ${uid.start} ${uid.size} gid ${gid.start} ${gid.size}`, lease);
      return { uid, gid, isDefault: pools.uid.isDefault || pools.gid.isDefault, lease };
    });
  } finally {
    database.close();
  }
}

export const giveBack = (lease: string): void => rmSync(lease, { force: true });

export const takenByMaps = ({ uid, gid }: IdMappings): Taken => ({
  uid: outsideOf(uid),
  gid: outsideOf(gid),
});
