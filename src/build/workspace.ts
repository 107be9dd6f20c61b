/** A directory for one build, which is gone when the build is, and those of builds that were killed. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { listIfThere } from "../host/list-if-there.ts";
import { isStale, temporaryName } from "../image/temporary.ts";

/** Where the containers of RUN lines have their state. */
export const containersOf = (temporary: string): string => `${temporary}/oci`;

/** With the containers that a build left when it was ended: they have cgroups. */
function remove(temporary: string, runtime: string): void {
  const containers = containersOf(temporary);
  if (existsSync(containers)) {
    for (const id of readdirSync(containers)) {
      spawnSync(runtime, ["--root", containers, "delete", "--force", id], { stdio: "ignore" });
    }
  }
  rmSync(temporary, { recursive: true, force: true });
}

/** Directories of builds that were killed. @param directory the builder's */
export const staleWorkspaces = (directory: string): string[] =>
  listIfThere(directory)
    .filter(isStale)
    .map((name) => `${directory}/${name}`);

/**
 * Takes away what killed builds have left.
 *
 * @param runtime the OCI runtime's program
 * @returns what went
 */
export function removeStaleWorkspaces(directory: string, runtime: string): string[] {
  const found = staleWorkspaces(directory);
  for (const path of found) remove(path, runtime);
  return found;
}

/** @param directory the builder's; an absolute path. It is made when it is not there. */
export async function inWorkspace<T>(
  directory: string,
  runtime: string,
  work: (temporary: string) => Promise<T>,
): Promise<T> {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  removeStaleWorkspaces(directory, runtime);
  const temporary = `${directory}/${temporaryName()}`;
  mkdirSync(temporary, { mode: 0o700 });
  try {
    return await work(temporary);
  } finally {
    remove(temporary, runtime);
  }
}
