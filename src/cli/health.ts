/** The executor that watches over a container wants to know how it is. */

import { checkHealth } from "../engine/check-health.ts";
import { readContainer } from "../engine/status.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";

/** @param words the container's id */
export async function healthCommand(
  [id = ""]: readonly string[],
  globals: Globals,
): Promise<number> {
  const roots = engineRoots(globals);
  const container = await readContainer(roots, id);
  const check = container?.record.engine?.health ?? null;
  if (container === null || check === null || container.status !== "running") return 0;
  await checkHealth(container, check, roots);
  return 0;
}
