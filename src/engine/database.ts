/**
 * The engine's database: containers that are kept, and networks. One SQLite file in the data root, with a
 * write-ahead log, so that any number of programs read and write at once.
 *
 * Images are not in it: their references are files that a start reads without loading SQLite
 * (src/image/store.ts).
 */

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { giveRoomUp, putRoomBy } from "./database-room.ts";

/** Milliseconds that a writer waits for another. */
const patience = 10_000;

/** Each brings the schema from one version, its index, to the next. */
const migrations: readonly string[] = [
  `CREATE TABLE containers (
     id       TEXT PRIMARY KEY,
     name     TEXT NOT NULL UNIQUE,
     created  INTEGER NOT NULL,  -- milliseconds since 1970
     record   TEXT NOT NULL,     -- src/container/record.ts, Described
     started  INTEGER,           -- the last time; null: never
     restarts INTEGER NOT NULL DEFAULT 0,  -- by its policy, since somebody started it
     stopped  INTEGER NOT NULL DEFAULT 0,  -- somebody stopped it: its policy rests
     error    TEXT NOT NULL DEFAULT ''     -- why it could not be started
   ) STRICT`,
  `CREATE TABLE networks (
     id       TEXT PRIMARY KEY,
     name     TEXT NOT NULL UNIQUE,
     created  INTEGER NOT NULL,  -- milliseconds since 1970
     record   TEXT NOT NULL      -- src/network/network.ts
   ) STRICT`,
];

function migrate(database: DatabaseSync): void {
  const row = database.prepare("PRAGMA user_version").get();
  const version = Number(row?.["user_version"] ?? 0);
  if (version > migrations.length) {
    throw new Error(
      `the engine's database is of a newer pivot (version ${version}, this one knows ${migrations.length}): use that one, or another --root`,
    );
  }
  migrations.slice(version).forEach((sql, i) => {
    database.exec(`${sql}; PRAGMA user_version = ${version + i + 1}`);
  });
}

const databasePath = (dataRoot: string): string => `${dataRoot}/pivot.db`;

function isBehind(database: DatabaseSync): boolean {
  const row = database.prepare("PRAGMA user_version").get();
  return Number(row?.["user_version"] ?? 0) !== migrations.length;
}

/**
 * Makes the file, or takes one that others could read from them: environments of containers are in
 * it, and the data root may be open to all. SQLite's other files get its permissions.
 */
function makePrivate(path: string): void {
  try {
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    if ((statSync(path).mode & 0o077) === 0) return;
    for (const each of [path, `${path}-wal`, `${path}-shm`]) {
      if (existsSync(each)) chmodSync(each, 0o600);
    }
  }
}

/** SQLite's primary result codes (sqlite3.h) of what a disk does, by what it comes to. */
const diskTroubles: Readonly<Record<number, string>> = {
  8: "the file system is read-only",
  10: "the disk is full, or broken",
  13: "the disk is full",
  14: "the disk is full, the file system is read-only, or it is another user's",
};

/** What is wrong with the disk; undefined: this is another error. */
function diskTrouble(error: unknown): string | undefined {
  const { code, errcode } = error as { readonly code?: string; readonly errcode?: number };
  if (code === "EROFS") return diskTroubles[8];
  if (code === "ENOSPC" || code === "EDQUOT") return diskTroubles[13];
  return code === "ERR_SQLITE_ERROR" ? diskTroubles[(errcode ?? 0) & 0xff] : undefined;
}

/** Says of which file it is, and what to do. */
function told(error: unknown, dataRoot: string): unknown {
  const trouble = diskTrouble(error);
  if (trouble === undefined) return error;
  return new Error(
    `${databasePath(dataRoot)}, the engine's database, cannot be used: ${trouble}: make room, or choose another --root`,
    { cause: error },
  );
}

/** @throws Error in one line where the library runs under a Node that is too old */
async function loadSqlite(): Promise<typeof import("node:sqlite")> {
  try {
    return await import("node:sqlite");
  } catch (error) {
    throw new Error(
      `networks, and containers with rm: false, are in a database, and this is Node ${process.versions.node}, without SQLite: use Node 22.13 or later, or Bun`,
      { cause: error },
    );
  }
}

/**
 * Opens the database, and makes it when there is none. To be closed by `using` or `close`.
 *
 * @throws Error in one line when it is of a newer pivot, or is none
 */
export async function openDatabase(dataRoot: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await loadSqlite();
  mkdirSync(dataRoot, { recursive: true, mode: 0o700 });
  makePrivate(databasePath(dataRoot));
  const database = new DatabaseSync(databasePath(dataRoot));
  try {
    // FULL: what was told to somebody is still so after a power cut.
    database.exec(
      `PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`,
    );
    if (isBehind(database)) inTransaction(database, () => migrate(database));
    putRoomBy(dataRoot);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

async function once<T>(dataRoot: string, work: (database: DatabaseSync) => T): Promise<T> {
  const database = await openDatabase(dataRoot);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

/**
 * Does something with the database, which is made when there is none. On a full disk it gives up the
 * room that was put by, and does it again: so the work has to be one change, or a transaction.
 *
 * @throws Error in one line when it is of a newer pivot, or the disk has no room for it
 */
export async function withDatabase<T>(
  dataRoot: string,
  work: (database: DatabaseSync) => T,
): Promise<T> {
  try {
    return await once(dataRoot, work);
  } catch (error) {
    if (diskTrouble(error) === undefined || !giveRoomUp(dataRoot)) throw told(error, dataRoot);
  }
  return once(dataRoot, work).catch((error: unknown) => {
    throw told(error, dataRoot);
  });
}

/** Where nothing can be written there is nobody who writes: the file is all, unless there is a log. */
async function readFrozen<T>(
  dataRoot: string,
  work: (database: DatabaseSync) => T,
): Promise<readonly [T] | undefined> {
  const path = databasePath(dataRoot);
  if ((statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return undefined;
  const { DatabaseSync } = await loadSqlite();
  const url = pathToFileURL(path);
  url.searchParams.set("immutable", "1");
  const database = new DatabaseSync(url, { readOnly: true });
  try {
    return isBehind(database) ? undefined : [work(database)];
  } finally {
    database.close();
  }
}

/** Reads what there is; undefined when nothing was ever kept. Also on a disk that nothing can be written to. */
export async function readDatabase<T>(
  dataRoot: string,
  work: (database: DatabaseSync) => T,
): Promise<T | undefined> {
  const size = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  const path = databasePath(dataRoot);
  // An empty one is what a disk that was full already has left of the first.
  if (size(path) === 0 && size(`${path}-wal`) === 0) return undefined;
  try {
    return await once(dataRoot, work);
  } catch (error) {
    if (diskTrouble(error) === undefined) throw error;
  }
  const frozen = await readFrozen(dataRoot, work);
  return frozen === undefined ? withDatabase(dataRoot, work) : frozen[0];
}

/** All of what the function does, or nothing; no other program writes meanwhile. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    try {
      database.exec("ROLLBACK");
    } catch {
      // SQLite has done so by itself, as it does on a full disk.
    }
    throw error;
  }
}
