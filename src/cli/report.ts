/**
 * Tells what the executor wanted told. The process that made the plan is gone, and the executor has
 * become this program: it has laid plan and events down.
 */

import { isStartedElsewhere } from "../engine/started-elsewhere.ts";
import { decodePlan } from "../executor/decode.ts";
import { readEvents } from "../executor/events.ts";
import { describeFailure, exitCodeOf } from "../executor/failure.ts";
import { readReport } from "../executor/hand-over.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";

/** Somebody has stopped it while it waited. */
const EINTR = 4;

/** What the executor was asked to tell about: a container that is kept could not be started. */
async function note(root: string, [id, why]: readonly string[], line: string): Promise<void> {
  if (id === undefined) return;
  const { noteError, noteFailure } = await import("../engine/kept.ts");
  await (why === "again" ? noteError : noteFailure)(root, id, line);
}

/**
 * @param about the id of a container that is kept; then `again` when its policy started it, or `start`
 * when somebody did: docker's exit code for that is 1, whatever is wrong with the program
 */
export async function reportCommand(
  { logFormat, root }: Globals,
  about: readonly string[],
): Promise<number> {
  const laidDown = readReport();
  const { plan, stepOfRecord } = decodePlan(laidDown.plan);
  let exitCode = 125;
  for (const event of readEvents(laidDown.events).events) {
    if (event.kind === "ended") exitCode = event.code;
    if (event.kind !== "failed" && event.kind !== "left") continue;
    const failure = {
      step: stepOfRecord[event.record] ?? -1,
      errno: event.errno,
      text: event.text,
    };
    if (event.kind === "failed") {
      exitCode = about[1] === "start" ? 1 : exitCodeOf(plan, failure);
      const line = describeFailure(plan, failure);
      report("error", line, logFormat);
      const isStopped = about[1] === "again" && event.errno === EINTR;
      const isOurs = !isStartedElsewhere(plan, failure, about[0] ?? "");
      if (root !== null && !isStopped && isOurs) await note(root, about, line);
    } else {
      const undo = plan.steps[failure.step]?.undo;
      const undone =
        undo === undefined
          ? plan
          : { ...plan, steps: [{ by: "parent" as const, op: undo, why: "" }] };
      const line = describeFailure(undone, { ...failure, step: 0 });
      report("warning", `left behind: ${line}; \`pivot system prune\` removes it`, logFormat);
    }
  }
  return exitCode;
}
