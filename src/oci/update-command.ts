/** `update`: new limits for a container that runs. */

import { readFileSync } from "node:fs";
import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { planLimits, type ScopeOfLimits } from "../engine/limits.ts";
import { readResctrlMount } from "../host/asked.ts";
import type { Plan, Step } from "../plan/op.ts";
import { planRdtUpdate } from "../planner/intel-rdt.ts";
import {
  formatProblem,
  type LinuxIntelRdt,
  type LinuxResources,
  parseResources,
} from "../spec/mod.ts";
import { carryOut, warnOf } from "./carry-out.ts";
import { containerSpecOf } from "./config-copy.ts";
import { onlyId, readLast } from "./flags.ts";
import { type Globals, workingDirectory } from "./globals.ts";
import { type Container, type ContainerRecord, findContainer } from "./record.ts";
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

type Changes = { readonly resources: LinuxResources; readonly intelRdt: LinuxIntelRdt };

/** @throws WishError, UsageError */
function readChanges(given: ParsedArguments): Changes {
  const file = readLast(given, "resources");
  // runc's rule: with the one, the others count for nothing.
  if (file !== null) return { resources: resourcesFromFile(file), intelRdt: {} };
  const all: LinuxResources[] = [];
  let intelRdt: LinuxIntelRdt = {};
  for (const name of updateFlagNames) {
    const text = readLast(given, name);
    if (text === null) continue;
    const read = readUpdateFlag(name, text);
    if (!read.ok) throw new UsageError(read.problem);
    intelRdt = { ...intelRdt, ...read.intelRdt };
    all.push(read.resources);
  }
  return { resources: joinResources(all), intelRdt };
}

/** Asked for by few: what the container was made from is read for this alone. */
function planRdt(container: Container, change: LinuxIntelRdt): Step[] {
  if (Object.keys(change).length === 0) return [];
  const { linux } = containerSpecOf(container);
  const mount = readResctrlMount();
  const steps = planRdtUpdate(linux?.intelRdt, container.id, mount, change);
  if (typeof steps !== "string") return steps;
  throw new WishError([`cannot update container ${container.id}: ${steps}`]);
}

async function scopeOf({ scope }: ContainerRecord): Promise<ScopeOfLimits | undefined> {
  if (scope === undefined) return undefined;
  const { askForChange } = await import("../systemd/ask.ts");
  return { change: askForChange(scope.manager, scope.unit), user: scope.manager.user };
}

async function planFor(
  container: Container,
  { resources, intelRdt }: Changes,
): Promise<{
  readonly plan: Plan;
  readonly warnings: readonly string[];
}> {
  const { record, id, status } = container;
  if (record === null || status === "stopped" || status === "creating") {
    throw new WishError([`cannot update container ${id}: it is ${status}`]);
  }
  const { steps, warnings } = planLimits(record.cgroups, resources, await scopeOf(record));
  return {
    plan: { version: 1, steps: [...planRdt(container, intelRdt), ...steps] },
    warnings,
  };
}

export async function updateCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const container = findContainer(globals.root, onlyId(given, "pivot-oci update [OPTIONS] ID"));
  const { plan, warnings } = await planFor(container, readChanges(given));
  warnOf(warnings, globals);
  return plan.steps.length === 0 ? 0 : carryOut(plan, globals);
}
