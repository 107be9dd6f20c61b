/** What is in a directory that may be gone by now, or not be there yet. */

import { readdirSync } from "node:fs";

/** The names; none where there is no such directory. */
export function listIfThere(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}
