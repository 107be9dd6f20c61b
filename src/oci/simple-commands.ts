/** The commands that change a container and take little but its id. */

import { type ParsedArguments, UsageError } from "../cli/arguments.ts";
import type { Step } from "../plan/op.ts";
import { carryOutSteps } from "./carry-out.ts";
import { onlyId, readSwitch } from "./flags.ts";
import { planPause, planResume } from "./freeze.ts";
import type { Globals } from "./globals.ts";
import { groupsToRemove } from "./groups.ts";
import { type Container, findContainer, readContainer } from "./record.ts";
import type { Later } from "./start.ts";

const containerOf = (given: ParsedArguments, { root }: Globals, command: string): Container =>
  findContainer(root, onlyId(given, `pivot-oci ${command} ID`));

const laterOf = ({ id, directory, record }: Container): Later => ({
  id,
  directory,
  bundle: record?.bundle ?? "/",
});

/** Most often the launcher does this by the plan that was made before: `native/kept.c`. */
export async function startCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const container = containerOf(given, globals, "start");
  const { checkStart, planStart } = await import("./start.ts");
  checkStart(container);
  const { containerSpecOf } = await import("./config-copy.ts");
  return carryOutSteps(planStart(laterOf(container), containerSpecOf(container)), globals);
}

export async function killCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [id, signal = "TERM", ...rest] = given.words;
  const usage = "pivot-oci kill [--all] ID [SIGNAL]";
  if (id === undefined) throw new UsageError(`which container? ${usage}`);
  if (rest.length > 0) throw new UsageError(`unexpected ${rest.join(" ")}: ${usage}`);
  const { planKill, signalNumber } = await import("./kill.ts");
  const number = signalNumber(signal);
  const steps = planKill(findContainer(globals.root, id), number, readSwitch(given, "all"));
  return steps.length === 0 ? 0 : carryOutSteps(steps, globals);
}

async function stepsOfDelete(container: Container, force: boolean): Promise<Step[]> {
  const { checkDelete, planDelete } = await import("./delete.ts");
  checkDelete(container, force);
  const { containerSpecIfThere } = await import("./config-copy.ts");
  const groups = await groupsToRemove(container);
  const spec = containerSpecIfThere(container);
  return planDelete(laterOf(container), groups, spec, force ? "end" : "lock");
}

/** As `start`: most often by the plan that was made before. */
export async function deleteCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const force = readSwitch(given, "force");
  if (given.words.length === 0)
    throw new UsageError("which container? pivot-oci delete [--force] ID");
  const steps: Step[] = [];
  for (const id of given.words) {
    const container = force ? readContainer(globals.root, id) : findContainer(globals.root, id);
    // By force it is enough that it is gone: clients delete twice.
    if (container !== null) steps.push(...(await stepsOfDelete(container, force)));
  }
  return steps.length === 0 ? 0 : carryOutSteps(steps, globals);
}

export const pauseCommand = (given: ParsedArguments, globals: Globals): number =>
  carryOutSteps(planPause(containerOf(given, globals, "pause")), globals);

export const resumeCommand = (given: ParsedArguments, globals: Globals): number =>
  carryOutSteps(planResume(containerOf(given, globals, "resume")), globals);
