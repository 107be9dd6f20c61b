/**
 * The engine's database: containers that are kept, and networks. One SQLite file in the data root, with a
 * write-ahead log, so that any number of programs read and write at once.
 *
 * Images are not in it: their references are files that a start reads without loading SQLite
 * (src/image/store.ts).
 */

import { chmodSync, closeSync, existsSync, mkdirSync, openSync, statSync } from "node:fs";
import type { DatabaseSync } from "node:sqlite";

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

/**
 * Opens the database, and makes it when there is none. To be closed by `using` or `close`.
 *
 * @throws Error in one line when it is of a newer pivot, or is none
 */
export async function openDatabase(dataRoot: string): Promise<DatabaseSync> {
  const { DatabaseSync } = await import("node:sqlite");
  mkdirSync(dataRoot, { recursive: true, mode: 0o700 });
  makePrivate(databasePath(dataRoot));
  const database = new DatabaseSync(databasePath(dataRoot));
  try {
    // FULL: what was told to somebody is still so after a power cut.
    database.exec(
      `PRAGMA busy_timeout = ${patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL`,
    );
    if (isBehind(database)) inTransaction(database, () => migrate(database));
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** As `openDatabase`, but makes none: null when nothing was ever kept. */
export const openIfThere = (dataRoot: string): Promise<DatabaseSync> | null =>
  existsSync(databasePath(dataRoot)) ? openDatabase(dataRoot) : null;

/** All of what the function does, or nothing; no other program writes meanwhile. */
export function inTransaction<T>(database: DatabaseSync, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}
