/** What the library throws when a container could not be made, or not be taken away. */

import { describeFailure, exitCodeOf, type StepFailure } from "./executor/failure.ts";
import type { Plan } from "./plan/op.ts";
import type { Cause } from "./watch.ts";

/** The container could not be made, or something of it stays: which step failed, and why. */
export class RunError extends Error {
  override name = "RunError";
  readonly id: string;
  /** As docker's: 127 no such program, 126 not executable, 128 + a signal that stopped the start, else 125. */
  readonly exitCode: number;
  readonly failure: StepFailure;
  readonly plan: Plan;
  /** The request's `timeout` was over before the program ran. */
  readonly timedOut: boolean;

  constructor(id: string, plan: Plan, failure: StepFailure, timedOut = false) {
    super(describeFailure(plan, failure));
    this.id = id;
    this.plan = plan;
    this.failure = failure;
    this.exitCode = exitCodeOf(plan, failure);
    this.timedOut = timedOut;
  }
}

const EINTR = 4;

type Stopped = {
  readonly id: string;
  readonly plan: Plan;
  readonly failure: StepFailure;
  readonly caller: AbortSignal | undefined;
  readonly timeout: number | undefined;
};

/**
 * What to throw of a start that failed: when it is we who gave it up, that is told, and not by which
 * signal the executor heard of it.
 */
export function stoppedBy(cause: Cause, { id, plan, failure, caller, timeout }: Stopped): unknown {
  const isGivenUp = failure.errno === EINTR || failure.step === -1;
  if (!isGivenUp || cause === null) return new RunError(id, plan, failure);
  if (cause === "abort") return caller?.reason;
  const text = `the time-out of ${timeout} ms was over before the program ran`;
  return new RunError(id, plan, { step: -1, errno: 0, text }, true);
}
