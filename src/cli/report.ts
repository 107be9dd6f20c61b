/**
 * Tells what the executor wanted told. The command that made the plan has become the executor,
 * and the executor has become this: the plan and the events are in the environment.
 */

import { eventsVariable, planVariable } from "../executor/become.ts";
import { decodePlan } from "../executor/decode.ts";
import { readEvents } from "../executor/events.ts";
import { describeFailure, exitCodeOf } from "../executor/failure.ts";
import type { Globals } from "./commands.ts";
import { report } from "./report-error.ts";

/** The parts are whole groups of four characters, but for the last. */
function planBytes(): Uint8Array {
  let text = "";
  for (let part = 0; ; part++) {
    const more = process.env[planVariable(part)];
    if (more === undefined) return Buffer.from(text, "base64");
    text += more;
  }
}

export function reportCommand({ logFormat }: Globals): number {
  const { plan, stepOfRecord } = decodePlan(planBytes());
  const events = Buffer.from(process.env[eventsVariable] ?? "", "hex");
  let exitCode = 125;
  for (const event of readEvents(events).events) {
    if (event.kind === "ended") exitCode = event.code;
    if (event.kind !== "failed" && event.kind !== "left") continue;
    const failure = {
      step: stepOfRecord[event.record] ?? -1,
      errno: event.errno,
      text: event.text,
    };
    if (event.kind === "failed") {
      exitCode = exitCodeOf(plan, failure);
      report("error", describeFailure(plan, failure), logFormat);
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
