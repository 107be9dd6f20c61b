/** Finds programs as a shell does. */

import { accessSync, constants, statSync } from "node:fs";

/** Where distributions keep programs for root, which a user's PATH may lack. */
const further = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/**
 * The absolute path of a program, or null.
 *
 * @param directories looked through behind those of PATH
 */
export function findProgram(name: string, directories: readonly string[] = further): string | null {
  const all = [...(process.env["PATH"] ?? "").split(":"), ...directories];
  const path = all
    .filter((directory) => directory.startsWith("/"))
    .map((directory) => `${directory}/${name}`)
    .find(isProgram);
  return path ?? null;
}
