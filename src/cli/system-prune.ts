/** `pivot system prune`. */

import { prune } from "../container/prune.ts";
import { defaultRoots } from "../container/roots.ts";
import { listKept } from "../engine/kept.ts";
import { describeFailure } from "../executor/failure.ts";
import { writeAll } from "../host/write.ts";
import { removeLeftovers } from "../try/store.ts";
import type { ParsedArguments } from "./arguments.ts";
import { UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";

export async function systemPruneCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`system prune takes no arguments, received ${given.words.join(" ")}`);
  }
  const standard = defaultRoots(process.geteuid?.() ?? 0, process.env);
  const roots = {
    runRoot: globals.runRoot ?? standard.runRoot,
    dataRoot: globals.root ?? standard.dataRoot,
  };
  const kept = async () => new Set((await listKept(roots.dataRoot)).map(({ record }) => record.id));
  const pruned = await prune(roots, kept, (steps, { failure }) =>
    failure === null ? null : describeFailure({ version: 1, steps }, failure),
  );
  for (const problem of pruned.problems) report("error", problem, globals.logFormat);
  if (pruned.containers.length > 0) {
    writeAll(1, `Deleted Containers:\n${pruned.containers.join("\n")}\n`);
  }
  const paths = [...pruned.paths, ...(await removeLeftovers(roots.dataRoot))];
  if (paths.length > 0) writeAll(1, `Deleted:\n${paths.join("\n")}\n`);
  return pruned.problems.length > 0 ? 1 : 0;
}
