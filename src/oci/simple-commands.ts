/** The commands that take little but an id: state, start, kill, delete, pause, resume. */

import { type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { writeAll } from "../host/write.ts";
import { carryOutSteps } from "./carry-out.ts";
import { containerSpecIfThere, containerSpecOf } from "./config-copy.ts";
import { onlyId } from "./create.ts";
import { checkDelete, planDelete } from "./delete.ts";
import { readSwitch } from "./flags.ts";
import { planPause, planResume } from "./freeze.ts";
import type { Globals } from "./globals.ts";
import { planKill, signalNumber } from "./kill.ts";
import { type Container, findContainer, readContainer, stateDocument } from "./record.ts";
import { checkStart, type Later, planStart } from "./start.ts";

const containerOf = (given: ParsedArguments, { root }: Globals, command: string): Container =>
  findContainer(root, onlyId(given, `pivot-oci ${command} ID`));

export function stateCommand(given: ParsedArguments, globals: Globals): number {
  const container = containerOf(given, globals, "state");
  writeAll(1, `${JSON.stringify(stateDocument(container), null, 2)}\n`);
  return 0;
}

const laterOf = ({ id, directory, record }: Container): Later => ({
  id,
  directory,
  bundle: record?.bundle ?? "/",
});

/** Most often the launcher does this by the plan that was made before: `native/kept.c`. */
export function startCommand(given: ParsedArguments, globals: Globals): number {
  const container = containerOf(given, globals, "start");
  checkStart(container);
  return carryOutSteps(planStart(laterOf(container), containerSpecOf(container)), globals);
}

export function killCommand(given: ParsedArguments, globals: Globals): number {
  const [id, signal = "TERM", ...rest] = given.words;
  const usage = "pivot-oci kill [--all] ID [SIGNAL]";
  if (id === undefined) throw new UsageError(`which container? ${usage}`);
  if (rest.length > 0) throw new UsageError(`unexpected ${rest.join(" ")}: ${usage}`);
  const number = signalNumber(signal);
  const steps = planKill(findContainer(globals.root, id), number, readSwitch(given, "all"));
  return steps.length === 0 ? 0 : carryOutSteps(steps, globals);
}

export function deleteCommand(given: ParsedArguments, globals: Globals): number {
  const force = readSwitch(given, "force");
  if (given.words.length === 0)
    throw new UsageError("which container? pivot-oci delete [--force] ID");
  const steps = given.words.flatMap((id) => {
    const container = force ? readContainer(globals.root, id) : findContainer(globals.root, id);
    // By force it is enough that it is gone: clients delete twice.
    if (container === null) return [];
    checkDelete(container, force);
    const cgroups = container.record?.cgroups ?? [];
    const spec = containerSpecIfThere(container);
    return planDelete(laterOf(container), cgroups, spec, force ? "end" : "lock");
  });
  return steps.length === 0 ? 0 : carryOutSteps(steps, globals);
}

export const pauseCommand = (given: ParsedArguments, globals: Globals): number =>
  carryOutSteps(planPause(containerOf(given, globals, "pause")), globals);

export const resumeCommand = (given: ParsedArguments, globals: Globals): number =>
  carryOutSteps(planResume(containerOf(given, globals, "resume")), globals);
