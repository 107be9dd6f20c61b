/** A directory for one build, which is gone when the build is, and those of builds that were killed. */

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
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

/** Takes away what killed builds have left. @param runtime the OCI runtime's program */
export function removeStaleWorkspaces(directory: string, runtime: string): void {
  if (!existsSync(directory)) return;
  for (const name of readdirSync(directory)) {
    if (isStale(name)) remove(`${directory}/${name}`, runtime);
  }
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
