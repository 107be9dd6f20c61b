/** A plan with a place to stop before each of its steps, whose numbers stay those of the plan. */

import type { OpName } from "../plan/catalogue.ts";
import type { Plan, Step } from "../plan/op.ts";

export type Stoppable = {
  readonly plan: Plan;
  /** Of each of its records (executor/encode.ts) the step of the first plan, by index. */
  readonly stepOfRecord: readonly number[];
  /** The same of each of its steps. */
  readonly stepOf: readonly number[];
  /** The last step that it stops before, by index: from there on init takes no turns. */
  readonly last: number;
};

const pause: Step = { by: "parent", op: { op: "pause" }, why: "a stop of the debugger" };

/** Init says before these that it will not be heard of again (`pv_leap` in native/process.c). */
const leaps: ReadonlySet<OpName> = new Set(["seccomp", "exec", "pack", "unpack", "list_changes"]);

/**
 * Puts a `pause` of the parent before each step, up to the one from which on init is alone: who waits
 * is always the parent, and init then waits for its turn.
 */
export function withStops(plan: Plan): Stoppable {
  const leap = plan.steps.findIndex(({ by, op }) => by === "init" && leaps.has(op.op));
  const last = leap < 0 ? plan.steps.length - 1 : leap;
  const steps: Step[] = [];
  const stepOf: number[] = [];
  const stepOfRecord: number[] = [];
  for (const [i, step] of plan.steps.entries()) {
    for (const each of i <= last ? [pause, step] : [step]) {
      steps.push(each);
      stepOf.push(i);
      stepOfRecord.push(i);
      if (each.undo !== undefined) stepOfRecord.push(i);
    }
  }
  return { plan: { ...plan, steps }, stepOf, stepOfRecord, last };
}
