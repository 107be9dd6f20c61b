/** `pivot oci internal-tell`: the executor has become this program to tell what went wrong. */

import { readFileSync } from "node:fs";
import { decodePlan } from "../executor/decode.ts";
import { readEvents } from "../executor/events.ts";
import { describeFailure, type StepFailure } from "../executor/failure.ts";
import { readReport } from "../executor/hand-over.ts";
import type { Op, Plan } from "../plan/op.ts";
import { findCriuError } from "./checkpoint.ts";
import { type Logging, log } from "./log.ts";

const EACCES = 13;
const EISDIR = 21;

/**
 * docker and podman give 127 or 126 for a program that is not there or cannot be executed, and find
 * that out by these words.
 */
function programWords(plan: Plan, { step, errno }: StepFailure): string | null {
  const op = plan.steps[step]?.op;
  if (op?.op !== "find_program" && op?.op !== "exec") return null;
  const exec = plan.steps.find((each) => each.op.op === "exec")?.op;
  const name = (exec?.op === "exec" ? exec.argv[0] : undefined) ?? "";
  const quoted = JSON.stringify(name);
  if (errno === EACCES) return `exec: ${quoted}: permission denied`;
  if (errno === EISDIR) return `exec: ${quoted}: is a directory: permission denied`;
  if (errno !== 2 && errno !== 20) return null;
  return name.includes("/")
    ? `exec: ${quoted}: stat ${name}: no such file or directory`
    : `exec: ${quoted}: executable file not found in $PATH`;
}

/** What CRIU itself says of its failure, in its log. */
function criuWords(plan: Plan, { step }: StepFailure): string | null {
  const op = plan.steps[step]?.op;
  if (op?.op !== "criu" || op.log === null) return null;
  try {
    const reason = findCriuError(readFileSync(op.log.path, "utf8"));
    return reason === null ? null : `CRIU says "${reason}": see ${op.log.path}`;
  } catch {
    return null; // it did not come as far as its log
  }
}

function lineOf(plan: Plan, failure: StepFailure): string {
  const words = programWords(plan, failure);
  const reason = criuWords(plan, failure);
  const line = `${describeFailure(plan, failure)}${reason === null ? "" : `: ${reason}`}`;
  return words === null ? line : `${words} (${line})`;
}

/** Steps of which a failure is told, and the plan goes on; of any other it is the undo that failed. */
const mayFail = (op: Op): boolean => op.op === "hook" || (op.op === "ask_systemd" && !op.required);

/** @param exitCode of an error that is not the program's */
export function tell(exitCode: number, logging: Logging): number {
  const laidDown = readReport();
  const { plan, stepOfRecord } = decodePlan(laidDown.plan);
  let code = 0;
  for (const event of readEvents(laidDown.events).events) {
    if (event.kind === "ended") code = event.code;
    if (event.kind !== "failed" && event.kind !== "left") continue;
    const { errno, text, record } = event;
    const step = stepOfRecord[record] ?? -1;
    if (event.kind === "failed") {
      code = exitCode;
      log("error", lineOf(plan, { step, errno, text }), logging);
      continue;
    }
    const found = plan.steps[step];
    const op = found !== undefined && mayFail(found.op) ? found.op : found?.undo;
    const alone: Plan =
      op === undefined ? plan : { version: 1, steps: [{ by: "parent", op, why: "" }] };
    log("warning", describeFailure(alone, { step: 0, errno, text }), logging);
  }
  return code;
}
