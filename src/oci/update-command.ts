/** `update`: new limits for a container that runs. */

import { readFileSync } from "node:fs";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { planLimits } from "../engine/limits.ts";
import type { Plan } from "../plan/op.ts";
import { formatProblem, type LinuxResources, parseResources } from "../spec/mod.ts";
import { carryOut, warnOf } from "./carry-out.ts";
import { onlyId, readLast } from "./flags.ts";
import { type Globals, workingDirectory } from "./globals.ts";
import { type Container, findContainer } from "./record.ts";
import { joinResources, readUpdateFlag, updateFlagNames } from "./update-flags.ts";

export const updateFlags: readonly Flag[] = [
  {
    name: "resources",
    short: "r",
    value: "FILE",
    help: "new limits as JSON, as in linux.resources; -: from standard input",
  },
  ...updateFlagNames.map((name) => ({ name, value: "VALUE", help: "as in linux.resources" })),
];

function resourcesFromFile(file: string): LinuxResources {
  let text: string;
  try {
    text = readFileSync(file === "-" ? 0 : absolutePath(file, workingDirectory()), "utf8");
  } catch (error) {
    throw new WishError([`--resources: ${(error as Error).message}`]);
  }
  const parsed = parseResources(text);
  if (parsed.ok) return parsed.resources;
  throw new WishError(parsed.problems.map((problem) => `--resources: ${formatProblem(problem)}`));
}

/** @throws WishError, UsageError */
function readResources(given: ParsedArguments): LinuxResources {
  const file = readLast(given, "resources");
  // runc's rule: with the one, the others count for nothing.
  if (file !== null) return resourcesFromFile(file);
  const all: LinuxResources[] = [];
  for (const name of updateFlagNames) {
    const text = readLast(given, name);
    if (text === null) continue;
    const read = readUpdateFlag(name, text);
    if (!read.ok) throw new UsageError(read.problem);
    if (read.intelRdt !== undefined) {
      throw new UsageError(
        `--${name}: a running container's RDT group is not changed: leave it out`,
      );
    }
    all.push(read.resources);
  }
  return joinResources(all);
}

function planFor(
  { record, id, status }: Container,
  resources: LinuxResources,
): {
  readonly plan: Plan;
  readonly warnings: readonly string[];
} {
  if (record === null || status === "stopped" || status === "creating") {
    throw new WishError([`cannot update container ${id}: it is ${status}`]);
  }
  const { steps, warnings } = planLimits(record.cgroups, resources);
  return { plan: { version: 1, steps }, warnings };
}

export function updateCommand(given: ParsedArguments, globals: Globals): number {
  const container = findContainer(globals.root, onlyId(given, "pivot-oci update [OPTIONS] ID"));
  const { plan, warnings } = planFor(container, readResources(given));
  warnOf(warnings, globals);
  return plan.steps.length === 0 ? 0 : carryOut(plan, globals);
}
