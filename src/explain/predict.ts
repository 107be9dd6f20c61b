/**
 * What the simulator says of a plan: the mount tables before and after each step, and what would
 * come of the rest if a step were left out.
 */

import { describeOp } from "../plan/describe.ts";
import type { Plan, Step } from "../plan/op.ts";
import { apply } from "../simulator/apply.ts";
import { type MountinfoRow, mountTable } from "../simulator/mountinfo.ts";
import type { Failure } from "../simulator/outcome.ts";
import {
  type Inhabitants,
  planProcesses,
  type SimulatedStep,
  simulatePlan,
} from "../simulator/plan.ts";
import type { State } from "../simulator/state.ts";
import type { Prediction } from "./explanation.ts";
import { changesOf, rowText } from "./table-change.ts";
import { changesMounts } from "./without.ts";

export type Forecast = {
  /** In the plan's order; null: the simulation had ended in a failure before. */
  readonly predictions: readonly (Prediction | null)[];
  /** The container's mounts when its program begins; null: it does not come so far. */
  readonly mounts: readonly MountinfoRow[] | null;
};

const failureText = ({ errno, rule, cure }: Failure): string => `${errno}. ${rule} ${cure}`;

/** What a step could have changed of the outcome, without numbers: copies of a mount are alike. */
type Outcome = {
  readonly parent: readonly string[];
  readonly init: readonly string[];
  /** Where the container's process is. */
  readonly directory: string;
};

function outcomeOf(state: State): Outcome {
  const init = mountTable(state, planProcesses.init);
  const cwd = state.processes[planProcesses.init]?.cwd;
  const at = init.find(({ id }) => id === cwd?.mount);
  return {
    parent: mountTable(state, planProcesses.parent).map(lineOf),
    init: init.map(lineOf),
    directory: at === undefined ? "outside of its root" : `on the mount ${at.mountpoint}`,
  };
}

const lineOf = (row: MountinfoRow): string => rowText(row).replaceAll(/(shared|slave):\d+/g, "$1");

/** Lines of the one that the other has not, as often as it has not. */
function missing(of: readonly string[], from: readonly string[]): string[] {
  const left = [...from];
  return of.filter((line) => {
    const at = left.indexOf(line);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}

const most = 3;
const list = (texts: readonly string[]): string =>
  texts.length <= most
    ? texts.join(", ")
    : `${texts.slice(0, most).join(", ")} and ${texts.length - most} more`;

/** `/proc (proc)` of a line. */
const nameOf = (line: string): string => `${line.split("  ").slice(0, 2).join(" (")})`;
const restOf = (line: string): string => line.split("  ").slice(2).join(" ");

function sideDifference(whose: string, usual: readonly string[], now: readonly string[]): string[] {
  const more = missing(now, usual);
  const less = missing(usual, now);
  const changed = less.flatMap((line) => {
    const other = more.find((each) => nameOf(each) === nameOf(line));
    return other === undefined ? [] : [{ line, other }];
  });
  const extra = more.filter((line) => changed.every(({ other }) => other !== line)).map(nameOf);
  const lost = less.filter((each) => changed.every(({ line }) => line !== each)).map(nameOf);
  const different = changed.map(
    ({ line, other }) => `${nameOf(line)} is ${restOf(other)} in place of ${restOf(line)}`,
  );
  return [
    ...(lost.length === 0 ? [] : [`${whose} lacks ${list(lost)}`]),
    ...(extra.length === 0 ? [] : [`${whose} still has ${list(extra)}`]),
    // Of another tree there is no more to say.
    ...(different.length === 0 || extra.length > 0 ? [] : [`of ${whose} ${list(different)}`]),
  ];
}

/** How the outcomes differ, in words; null: they do not. */
function difference(usual: Outcome, now: Outcome): string | null {
  const words = [
    ...sideDifference("the container", usual.init, now.init),
    ...sideDifference("the host", usual.parent, now.parent),
    ...(usual.directory === now.directory
      ? []
      : [`the container's process is ${now.directory}, in place of ${usual.directory}`]),
  ];
  return words.length === 0 ? null : `${words.join("; ")}.`;
}

/** What a step that fails says, when it is for the sake of the one that was left out. */
const consequence = (failure: Failure): string =>
  failure.errno === "EBADF"
    ? "EBADF. What it works on is what this step keeps."
    : failureText(failure);

type Trial = {
  readonly plan: Plan;
  readonly inhabitants: Inhabitants;
  readonly usual: Outcome;
};

/** The rest of a plan without the step, from the state before it. */
function tryWithout(
  { plan, inhabitants, usual }: Trial,
  index: number,
  from: State,
): string | null {
  const rest = plan.steps.slice(index + 1);
  const done = simulatePlan({ version: 1, steps: rest }, from, { inhabitants });
  const last = done.at(-1);
  if (last === undefined) return difference(usual, outcomeOf(from));
  if (last.failure !== null) {
    const number = index + 1 + done.length;
    return `step ${number}, ${describeOp(last.step.op).what}, fails: ${consequence(last.failure)}`;
  }
  return difference(usual, outcomeOf(last.state));
}

/** The same machine if all its mounts were shared, as systemd makes them. */
function allShared(start: State): State {
  const by = planProcesses.parent;
  const made = apply(start, {
    op: "propagation",
    by,
    target: "/",
    type: "shared",
    recursive: true,
  });
  return made.ok ? made.state : start;
}

const isPrivacy = ({ op }: Step): boolean =>
  op.op === "mount_setattr" && op.at?.in === "host" && op.at.path === "/";

/** What the simulator finds when the step is left out. */
function loss(trial: Trial, index: number, before: State, start: State): string | null {
  const step = trial.plan.steps[index];
  if (step === undefined || !changesMounts(step.op) || step.op.op === "clone") return null;
  const found = tryWithout(trial, index, before);
  if (found !== null) return `The simulator, without this step: ${found}`;
  if (/^(chdir|unshare|chroot|enter_root|setns)$/.test(step.op.op)) return null;
  if (!isPrivacy(step))
    return "The simulator, without this step: at the end all mounts are the same.";
  // Private already: the step is for other machines.
  const shared = allShared(start);
  const usual = simulatePlan(trial.plan, shared, { inhabitants: trial.inhabitants }).at(-1);
  const until = simulatePlan({ version: 1, steps: trial.plan.steps.slice(0, index) }, shared, {
    inhabitants: trial.inhabitants,
  }).at(-1);
  if (usual === undefined || until === undefined) return null;
  const there = tryWithout({ ...trial, usual: outcomeOf(usual.state) }, index, until.state);
  return there === null
    ? null
    : `The simulator, without this step: here nothing changes, since the host's mounts are private. Where they are shared, as systemd makes them: ${there}`;
}

/**
 * @param start the machine, as the executor sees it
 * @param wanted of which steps it is tried what comes without them; that takes the longest
 */
export function predictPlan(
  plan: Plan,
  start: State,
  inhabitants: Inhabitants,
  wanted: (step: Step, number: number) => boolean,
): Forecast {
  const done = simulatePlan(plan, start, { inhabitants });
  const last = done.at(-1);
  const isWhole = last !== undefined && last.failure === null && done.length === plan.steps.length;
  const trial = { plan, inhabitants, usual: outcomeOf(last?.state ?? start) };
  const predictions = plan.steps.map((step, i): Prediction | null => {
    const now: SimulatedStep | undefined = done[i];
    if (now === undefined) return null;
    const old = done[i - 1]?.state ?? start;
    const of = step.by;
    const before = mountTable(old, planProcesses[of]);
    const after = mountTable(now.state, planProcesses[of]);
    return {
      of,
      before,
      after,
      changes: changesOf(before, after),
      failure: now.failure === null ? null : failureText(now.failure),
      without: isWhole && wanted(step, i + 1) ? loss(trial, i, old, start) : null,
    };
  });
  return { predictions, mounts: isWhole ? mountTable(last.state, planProcesses.init) : null };
}
