/** `pivot inspect`: containers, and images, in docker's shape. */

import { NoSuchContainerError, pickContainer } from "../engine/find.ts";
import { inspectContainer } from "../engine/inspect.ts";
import { listContainers } from "../engine/status.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { inspectFormatFlag, isOn, lastValue } from "./listing-flags.ts";
import { printDocuments } from "./output.ts";
import { report } from "./report-error.ts";
import { treeSize } from "./tree-size.ts";

export const inspectFlags: readonly Flag[] = [
  inspectFormatFlag,
  { name: "size", short: "s", help: "also how much it has written" },
];

export async function inspectContainerCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  if (given.words.length === 0) {
    throw new UsageError("inspect needs a container: `pivot ps -a` lists them");
  }
  const roots = engineRoots(globals);
  const all = await listContainers(roots);
  const documents: unknown[] = [];
  let code = 0;
  for (const word of given.words) {
    try {
      const container = pickContainer(all, word);
      const size = isOn(given, "size")
        ? { SizeRw: treeSize(`${roots.dataRoot}/containers/${container.id}/upper`) }
        : {};
      documents.push({ ...inspectContainer(container, roots), ...size });
    } catch (error) {
      if (!(error instanceof NoSuchContainerError)) throw error;
      report("error", error.message, globals.logFormat);
      code = 1;
    }
  }
  printDocuments(documents, lastValue(given, "format"));
  return code;
}
