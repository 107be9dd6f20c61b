/**
 * Tells what the executor wanted told. The process that made the plan is gone, and the executor has
 * become this program: it has laid plan and events down.
 */

import { decodePlan } from "../executor/decode.ts";
import { readEvents } from "../executor/events.ts";
import { describeFailure, exitCodeOf } from "../executor/failure.ts";
import { readReport } from "../executor/hand-over.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";

/** @param kept the container that is kept, and could not be started; null: there is none. */
export async function reportCommand(
  { logFormat, root }: Globals,
  kept: string | null,
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
      exitCode = exitCodeOf(plan, failure);
      const line = describeFailure(plan, failure);
      report("error", line, logFormat);
      if (kept !== null && root !== null) {
        const { noteFailure } = await import("../engine/kept.ts");
        await noteFailure(root, kept, line);
      }
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
