/** Takes a container away, with what it wrote. */

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { byParent, onHost } from "../planner/step.ts";
import { leaveSteps } from "../volume/leave.ts";
import {
  BusyError,
  carryOut,
  clearRemains,
  endContainer,
  SIGKILL,
  whenStarted,
  whenTidied,
} from "./act.ts";
import { noteEvent } from "./events.ts";
import { forgetKept, noteRemoval } from "./kept.ts";
import { type Container, isAlive, readContainer, subjectOf } from "./status.ts";

/** Milliseconds until a start that was noted can be seen. */
const startTime = 100;

export type RemoveWish = {
  /** End it first when it runs. */
  readonly force: boolean;
  /** Its anonymous volumes too, unless another container uses them. */
  readonly volumes: boolean;
};

async function clear(container: Container, roots: Roots, force: boolean): Promise<void> {
  try {
    await clearRemains(container, roots, { patience: force ? 500 : 5_000 });
  } catch (error) {
    if (!force || !(error instanceof BusyError)) throw error;
    // A start was under way when it was looked up.
    const seen = await readContainer(roots, container.id);
    if (seen !== null) await endContainer(seen, roots, { signal: SIGKILL, seconds: 0 });
    if (existsSync(container.directory)) await clearRemains(container, roots);
  }
}

/** Of a container whose files are gone, somebody had begun a start: it goes as well. */
async function endStartOf({ id, directory }: Container, roots: Roots): Promise<void> {
  if (!existsSync(directory)) return;
  const started = await readContainer(roots, id);
  if (started === null) return;
  await endContainer(started, roots, { signal: SIGKILL, seconds: 0 });
  if (existsSync(directory)) await clearRemains(started, roots);
  const data = onHost(`${roots.dataRoot}/containers/${id}`);
  if (existsSync(data.path)) await carryOut([byParent({ op: "remove", at: data }, "rm")]);
}

/**
 * Removes a container. Its row goes last: until then it can be tried again.
 *
 * @throws WishError when it runs
 */
export async function removeContainer(
  found: Container,
  roots: Roots,
  { force, volumes }: RemoveWish,
): Promise<void> {
  // Else the start would go on with what is taken away here.
  const settled = await whenStarted(found, roots);
  const container = settled === null || force ? settled : await whenTidied(settled, roots);
  if (container === null) return; // somebody else has removed it
  const { id, name, kept, status, directory, record, started } = container;
  if (isAlive(container)) {
    if (!force) {
      const why = `cannot remove container ${name}: it is ${status}: stop it first, or use rm --force`;
      // Who prunes leaves alone what somebody has started since.
      throw isAlive(found) ? new WishError([why]) : new BusyError([why]);
    }
    await endContainer(container, roots, { signal: SIGKILL, seconds: 0 });
  }
  if (kept && !(await noteRemoval(roots.dataRoot, id, started))) {
    if (!force) {
      throw new BusyError([
        `cannot remove container ${name}: it was started meanwhile: stop it first, or use rm --force`,
      ]);
    }
    await sleep(startTime);
    const now = await readContainer(roots, id);
    if (now !== null) await removeContainer(now, roots, { force, volumes });
    return;
  }
  if (existsSync(directory)) await clear(container, roots, force);
  const data = onHost(`${roots.dataRoot}/containers/${id}`);
  if (existsSync(data.path)) await carryOut([byParent({ op: "remove", at: data }, "rm")]);
  const left = leaveSteps(record, volumes || record.options.rm === true);
  if (left.length > 0) await carryOut(left);
  if (kept) await forgetKept(roots.dataRoot, id);
  await endStartOf(container, roots);
  noteEvent(roots, "destroy", id, subjectOf(container));
}
