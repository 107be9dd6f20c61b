/**
 * Ranges of ids for containers, each container's its own. Which are taken is seen in the records of
 * containers that are kept, and of those that run; in between stands a lease:
 *
 *      RUNROOT/userns/ID -> "uid START SIZE gid START SIZE"
 *
 * made when a start is planned, and removed by its plan once its state is there. One at a time looks
 * and takes: inside a transaction of the engine's database.
 */

import { lstatSync, mkdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { inTransaction, openDatabase, readDatabase, withDatabase } from "../engine/database.ts";
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

/** Of a container whose executor was killed processes may be left, if it had no PID namespace. */
const isInhabited = ({ cgroups }: ContainerRecord): boolean =>
  cgroups.some((path) => (readIfThere(`${path}/cgroup.procs`) ?? "") !== "");

type Known = { readonly ids: ReadonlySet<string>; readonly taken: readonly Taken[] };

function readKnown(database: DatabaseSync, { runRoot }: Roots, isCallers: boolean): Known {
  const ids = new Set<string>();
  const taken: Taken[] = [];
  for (const row of database.prepare("SELECT id, record FROM containers").all()) {
    ids.add(String(row["id"]));
    taken.push(...takenBy(decodeRecord(String(row["record"])) as ContainerRecord, isCallers));
  }
  for (const id of listStates(runRoot)) {
    const { state, directory } = readState(runRoot, id);
    if (ids.has(id) || state === null) continue;
    ids.add(id);
    if (isLocked(directory) || isInhabited(state)) taken.push(...takenBy(state, isCallers));
  }
  return { ids, taken };
}

/** Leases of starts that are over, or take too long to be under way. */
function staleAmong(directory: string, known: ReadonlySet<string>): string[] {
  return listIfThere(directory)
    .filter((id) => {
      const made = lstatSync(`${directory}/${id}`, { throwIfNoEntry: false })?.mtimeMs;
      return made !== undefined && (known.has(id) || Math.abs(Date.now() - made) > planningTime);
    })
    .map((id) => `${directory}/${id}`);
}

/** What starts have taken whose containers have no state yet; those of others are removed. */
function readLeases(roots: Roots, known: ReadonlySet<string>): Taken[] {
  const directory = directoryOf(roots);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const path of staleAmong(directory, known)) rmSync(path, { force: true });
  return listIfThere(directory).flatMap((id) => {
    const path = `${directory}/${id}`;
    const [uid, gid] = rangesIn(path);
    if (uid !== undefined && gid !== undefined) return [{ uid: [uid], gid: [gid] }];
    rmSync(path, { force: true });
    return [];
  });
}

/** Paths of leases that nobody needs any more. */
export async function staleRanges(roots: Roots): Promise<string[]> {
  const directory = directoryOf(roots);
  if (listIfThere(directory).length === 0) return [];
  const ids = await readDatabase(
    roots.dataRoot,
    (database) => readKnown(database, roots, false).ids,
  );
  return staleAmong(directory, ids ?? new Set());
}

/** For `system prune`: inside a transaction, as whoever takes a range is. */
export async function removeStaleRanges(roots: Roots): Promise<void> {
  if ((await staleRanges(roots)).length === 0) return;
  await withDatabase(roots.dataRoot, (database) =>
    inTransaction(database, () => {
      const { ids } = readKnown(database, roots, false);
      for (const path of staleAmong(directoryOf(roots), ids)) rmSync(path, { force: true });
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
      const { ids, taken } = readKnown(database, roots, pools.uid.isCallers === true);
      const all = [...taken, ...readLeases(roots, ids), others];
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
