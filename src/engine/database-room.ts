/**
 * Room that the database has put by: files that hold nothing, which it gives up when the disk is full.
 * SQLite needs two files beside its own to open a database, and some pages to change it; without them
 * nobody could list containers or remove them, which is how a full disk gets room again.
 */

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";

/** As many as SQLite makes, and one more; bytes of each. */
const files = ["1", "2", "3"] as const;
const size = 64 * 1024;

const roomOf = (dataRoot: string): string => `${dataRoot}/room`;

/** Puts it by, unless it is; a disk that is full already is no error. */
export function putRoomBy(dataRoot: string): void {
  const room = roomOf(dataRoot);
  if (existsSync(room)) return;
  try {
    // By a rename nothing would be gained: room that is put by in part is room as well.
    mkdirSync(room, { mode: 0o700 });
    for (const name of files) writeFileSync(`${room}/${name}`, Buffer.alloc(size, "room\n"));
  } catch {
    rmSync(room, { recursive: true, force: true });
  }
}

/** @returns whether there was any */
export function giveRoomUp(dataRoot: string): boolean {
  const room = roomOf(dataRoot);
  if (!existsSync(room)) return false;
  try {
    rmSync(room, { recursive: true, force: true });
    return true;
  } catch {
    return false; // a store that cannot be written
  }
}
