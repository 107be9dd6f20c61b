/** A plan, explained: what the printers of `pivot explain` print, as plain data. */

import { catalogue } from "../plan/catalogue.ts";
import { describeOp } from "../plan/describe.ts";
import type { Actor, Plan, Step } from "../plan/op.ts";
import type { MountinfoRow } from "../simulator/mountinfo.ts";
import { shellLines } from "./shell.ts";
import { Places } from "./shell-place.ts";
import type { Change } from "./table-change.ts";
import { withoutStep } from "./without.ts";

/** What the simulator says of a step. */
export type Prediction = {
  /** Whose mount table it is. */
  readonly of: Actor;
  readonly before: readonly MountinfoRow[];
  readonly after: readonly MountinfoRow[];
  readonly changes: readonly Change[];
  /** It would fail here: `EINVAL: the rule. What to do.` */
  readonly failure: string | null;
  /** What comes of the rest when this step is left out; null: it was not tried. */
  readonly without: string | null;
};

export type ExplainedStep = {
  /** From 1 on, in the whole plan. */
  readonly number: number;
  readonly by: Actor;
  readonly operation: Step["op"]["op"];
  readonly what: string;
  /** A field of the configuration, an option, or the default that it keeps. */
  readonly why: string;
  /** The system calls, and the operation's decoded arguments. */
  readonly calls: string;
  readonly detail: string;
  readonly man: string;
  /** The same as commands of util-linux and busybox. */
  readonly shell: readonly string[];
  /** What takes the result away again, or null. */
  readonly undo: string | null;
  readonly without: string;
  readonly prediction: Prediction | null;
};

export type Explanation = {
  /** The command whose plan it is. */
  readonly title: string;
  readonly id: string;
  /** How many steps the whole plan has. */
  readonly total: number;
  readonly steps: readonly ExplainedStep[];
  /** The container's mounts when its program begins; null: they were not predicted. */
  readonly mounts: readonly MountinfoRow[] | null;
};

/** Explains every step. The predictions are in the plan's order, or null without a simulator. */
export function explainPlan(
  plan: Plan,
  given: {
    readonly title: string;
    readonly id: string;
    readonly predictions: readonly (Prediction | null)[] | null;
    readonly mounts: readonly MountinfoRow[] | null;
  },
): Explanation {
  const places = new Places("plain");
  const steps = plan.steps.map((step, i): ExplainedStep => {
    const { what, detail } = describeOp(step.op);
    const { calls, man } = catalogue[step.op.op];
    return {
      number: i + 1,
      by: step.by,
      operation: step.op.op,
      what,
      why: step.why,
      calls,
      detail,
      man,
      shell: shellLines(step.op, places),
      undo: step.undo === undefined ? null : describeOp(step.undo).what,
      without: withoutStep(step),
      prediction: given.predictions?.[i] ?? null,
    };
  });
  return { title: given.title, id: given.id, total: steps.length, steps, mounts: given.mounts };
}
