/** The end of a command: its plan goes to the executor, which tells by way of `tell.ts`. */

import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import type { Plan, Step } from "../plan/op.ts";
import { type Logging, log } from "./log.ts";

/** The exit code for what is not the program's own: as the peers have it for their commands. */
export const ownError = 1;
/** The same for `exec`, where every other number may be the program's. */
export const ownErrorOfExec = 255;

/** Never returns. */
export function carryOut(plan: Plan, logging: Logging, exitCode: number = ownError): never {
  const { log: file, logFormat } = logging;
  const arguments_ = file === null ? [] : ["--log", file];
  return handOver(encodePlan(plan), [
    "oci",
    ...arguments_,
    "--log-format",
    logFormat,
    "internal-tell",
    String(exitCode),
  ]);
}

export const carryOutSteps = (steps: readonly Step[], logging: Logging): never =>
  carryOut({ version: 1, steps }, logging);

export function warnOf(warnings: readonly string[], logging: Logging): void {
  for (const warning of warnings) log("warning", warning, logging);
}
