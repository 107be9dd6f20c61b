/**
 * Keeps compiled filters for the next container with the same profile: engines send the same long
 * profile with each, and to compile it takes longer than to read all the rest of a configuration.
 *
 * The directory belongs to who starts containers, and nobody else may look inside; what is not so
 * is not believed, and not written to. A filter is kept under a hash of everything that it was made
 * from, the program that compiled it among it.
 */

import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { SeccompFilter } from "../planner/setting.ts";

const mostFilters = 64;

/** No container can have this name; it stands among them, and is gone with them after a reboot. */
const directoryOf = (root: string): string => `${root}/seccomp:filters`;

/** Its owner alone may do anything with it. */
function isOurs(stat: { readonly uid: number; readonly mode: number }): boolean {
  return stat.uid === process.geteuid?.() && (stat.mode & 0o077) === 0;
}

function isTrusted(directory: string): boolean {
  const stat = lstatSync(directory, { throwIfNoEntry: false });
  return stat?.isDirectory() === true && isOurs(stat);
}

/**
 * The name of a filter.
 *
 * @param made everything that it depends on, but for this program
 */
export function filterKey(made: unknown): string {
  const { ino, mtimeMs, size } = statSync(process.execPath);
  const text = JSON.stringify([[ino, mtimeMs, size], made], (_name, value) =>
    typeof value === "bigint" ? `${value}n` : value,
  );
  return new Bun.CryptoHasher("sha256").update(text).digest("hex");
}

/** The kept filter, or null. */
export function recallFilter(root: string, key: string): SeccompFilter | null {
  const directory = directoryOf(root);
  let file: number | null = null;
  try {
    if (!isTrusted(directory)) return null;
    file = openSync(`${directory}/${key}`, constants.O_RDONLY | constants.O_NOFOLLOW);
    const stat = fstatSync(file);
    if (!stat.isFile() || !isOurs(stat)) return null;
    const bytes = readFileSync(file);
    // Flags first, then instructions of eight bytes: a file that was cut short has another length.
    const size = bytes.readUInt32LE(4);
    if (bytes.length !== 8 + size || size === 0 || size % 8 !== 0) return null;
    return { flags: bytes.readUInt32LE(0), program: new Uint8Array(bytes.subarray(8)) };
  } catch {
    return null; // not there: compiling anew is always right
  } finally {
    if (file !== null) closeSync(file);
  }
}

/** Keeps a filter; that it cannot be kept is no failure of the start. */
export function keepFilter(root: string, key: string, { program, flags }: SeccompFilter): void {
  const directory = directoryOf(root);
  try {
    mkdirSync(root, { recursive: true, mode: 0o700 });
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    if (!isTrusted(directory)) return;
    for (const name of readdirSync(directory).slice(mostFilters)) rmSync(`${directory}/${name}`);
    const bytes = Buffer.alloc(8 + program.length);
    bytes.writeUInt32LE(flags, 0);
    bytes.writeUInt32LE(program.length, 4);
    bytes.set(program, 8);
    const path = `${directory}/${key}`;
    writeFileSync(`${path}.${process.pid}`, bytes, { flag: "wx", mode: 0o600 });
    renameSync(`${path}.${process.pid}`, path);
  } catch {
    // A full disk, or another container's clean-up in between.
  }
}
