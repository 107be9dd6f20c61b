/** Containers that are kept: their rows in the engine's database. */

import { basename } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { type Described, decodeRecord, encodeRecord, nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { isLocked, readLinkIfThere } from "../host/first-process.ts";
import { inTransaction, readDatabase, withDatabase } from "./database.ts";

/** A container with what changes of it. */
export type KeptContainer = {
  readonly record: Described;
  /** Milliseconds since 1970; null: it was never started. */
  readonly started: number | null;
  /** How often its policy has started it again since somebody last did. */
  readonly restarts: number;
  /** Somebody has stopped it. */
  readonly stopped: boolean;
  /** Why it could not be started; empty: it could. */
  readonly error: string;
};

/** What a container is called. */
export type Identity = { readonly id: string; readonly name: string };

const columns = "id, name, record, started, restarts, stopped, error";

type Row = Readonly<Record<string, unknown>>;

function keptOf(row: Row): KeptContainer {
  const record = decodeRecord(String(row["record"])) as Described;
  return {
    record: { ...record, name: String(row["name"]) },
    started: row["started"] === null ? null : Number(row["started"]),
    restarts: Number(row["restarts"]),
    stopped: row["stopped"] !== 0,
    error: String(row["error"]),
  };
}

/** Who has a name that is wanted, in docker's words. */
const conflict = (name: string, id: string): WishError =>
  new WishError([
    `the container name "/${name}" is already in use by container "${id}": remove or rename that one, or choose another --name`,
  ]);

function checkName(database: DatabaseSync, name: string): void {
  const row = database.prepare("SELECT id FROM containers WHERE name = ?").get(name);
  if (row !== undefined) throw conflict(name, String(row["id"]));
}

/** @throws WishError when another container has the name */
export function keepContainer(record: Described): Promise<void> {
  const name = nameOf(record);
  return withDatabase(record.dataRoot, (database) =>
    inTransaction(database, () => {
      checkName(database, name);
      database
        .prepare("INSERT INTO containers (id, name, created, record) VALUES (?, ?, ?, ?)")
        .run(record.id, name, record.created, encodeRecord(record));
    }),
  );
}

/** Those that are kept, the oldest first. */
export async function listKept(dataRoot: string): Promise<KeptContainer[]> {
  const sql = `SELECT ${columns} FROM containers ORDER BY created, id`;
  const all = await readDatabase(dataRoot, (database) => database.prepare(sql).all().map(keptOf));
  return all ?? [];
}

/** The ids and names of those that are kept, the oldest first: who looks for one need not read all. */
export async function listKeptNames(dataRoot: string): Promise<Identity[]> {
  const sql = "SELECT id, name FROM containers ORDER BY created, id";
  const rows = await readDatabase(dataRoot, (database) => database.prepare(sql).all());
  return (rows ?? []).map(({ id, name }) => ({ id: String(id), name: String(name) }));
}

export async function readKept(dataRoot: string, id: string): Promise<KeptContainer | null> {
  const sql = `SELECT ${columns} FROM containers WHERE id = ?`;
  const row = await readDatabase(dataRoot, (database) => database.prepare(sql).get(id));
  return row === undefined ? null : keptOf(row);
}

/** @throws WishError when a container of this name is kept, or runs */
export async function checkNameIsFree({ dataRoot, runRoot }: Roots, name: string): Promise<void> {
  const state = `${runRoot}/names/${name}`;
  if (isLocked(state)) {
    const target = readLinkIfThere(state);
    if (target !== null) throw conflict(name, basename(target));
  }
  await readDatabase(dataRoot, (database) => checkName(database, name));
}

const change = (dataRoot: string, sql: string, ...values: (string | number)[]): Promise<void> =>
  withDatabase(dataRoot, (database) => {
    database.prepare(`UPDATE containers SET ${sql}`).run(...values);
  });

/** Of `stopped`: somebody is about to remove it, and nobody starts it any more. */
const beingRemoved = 2;

/**
 * Somebody starts it: its policy counts anew. Before its plan is carried out: so either who removes
 * it sees that, or it is not started.
 *
 * @returns milliseconds since 1970, as it is noted
 * @throws WishError when it was removed meanwhile, or is about to be
 */
export const noteStart = (dataRoot: string, id: string): Promise<number> =>
  withDatabase(dataRoot, (database) => {
    const now = Date.now();
    const sql = `UPDATE containers SET started = ?, restarts = 0, stopped = 0, error = ''
      WHERE id = ? AND stopped <> ${beingRemoved}`;
    if (database.prepare(sql).run(now, id).changes > 0) return now;
    throw new WishError([
      `container ${id.slice(0, 12)} was removed meanwhile, or is about to be: \`pivot rm\` ends that`,
    ]);
  });

/** Whether nobody has stopped or started it since that start was noted, by its time. */
export const isLastStart = (dataRoot: string, id: string, started: number): Promise<boolean> =>
  withDatabase(dataRoot, (database) => {
    const sql = "SELECT 1 FROM containers WHERE id = ? AND started = ? AND stopped = 0";
    return database.prepare(sql).get(id, started) !== undefined;
  });

/**
 * Somebody removes it: from now on nobody starts it.
 *
 * @param started when it was, as it was seen to have ended
 * @returns false when somebody has started it since
 */
export const noteRemoval = (
  dataRoot: string,
  id: string,
  started: number | null,
): Promise<boolean> =>
  withDatabase(dataRoot, (database) => {
    const sql = `UPDATE containers SET stopped = ${beingRemoved} WHERE id = ? AND started IS ?`;
    const isThere = database.prepare("SELECT id FROM containers WHERE id = ?").get(id);
    return isThere === undefined || database.prepare(sql).run(id, started).changes > 0;
  });

/**
 * Its policy starts it.
 *
 * @returns false when somebody has stopped it meanwhile
 */
export const noteRestart = (dataRoot: string, id: string): Promise<boolean> =>
  withDatabase(dataRoot, (database) => {
    const sql =
      "UPDATE containers SET started = ?, restarts = restarts + 1 WHERE id = ? AND stopped = 0";
    return database.prepare(sql).run(Date.now(), id).changes > 0;
  });

/** It could not be started, and so it is as it was before it ever was. */
export const noteFailure = (dataRoot: string, id: string, error: string): Promise<void> =>
  change(dataRoot, "started = NULL, error = ? WHERE id = ?", error, id);

/** Its policy could not start it once more. */
export const noteError = (dataRoot: string, id: string, error: string): Promise<void> =>
  change(dataRoot, "error = ? WHERE id = ?", error, id);

export const noteStop = (dataRoot: string, id: string): Promise<void> =>
  change(dataRoot, "stopped = max(stopped, 1) WHERE id = ?", id);

/** Other options, of `update`: the rest of the record stays. */
export const changeRecord = (record: Described): Promise<void> =>
  change(record.dataRoot, "record = ? WHERE id = ?", encodeRecord(record), record.id);

/** @throws WishError when another container has the name */
export const renameKept = (dataRoot: string, id: string, name: string): Promise<void> =>
  withDatabase(dataRoot, (database) =>
    inTransaction(database, () => {
      checkName(database, name);
      database.prepare("UPDATE containers SET name = ? WHERE id = ?").run(name, id);
    }),
  );

export const forgetKept = (dataRoot: string, id: string): Promise<void> =>
  withDatabase(dataRoot, (database) => {
    database.prepare("DELETE FROM containers WHERE id = ?").run(id);
  });
