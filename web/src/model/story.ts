/** A lesson carried out in the simulator, step by step, with any of its steps left out. */

import type { Failure } from "../../../src/simulator/mod.ts";
import type { Lesson, Line, Step } from "../lessons/lesson.ts";
import { changesSince, type Frame } from "./frame.ts";
import { worldOf } from "./from-state.ts";
import { afterLine, noPids, type Pids, procView, psLines, withOwnPids } from "./pids.ts";
import { newSession, play, type Session } from "./session.ts";

/** What a lesson has come to. */
export type Scene = {
  readonly session: Session;
  readonly pids: Pids;
};

export type Told = { readonly scene: Scene; readonly frame: Frame };

const processId = ({ names }: Session, name: string): number =>
  [...names].find(([, each]) => each === name)?.[0] ?? 1;

export const textOf = (line: Line): string => (typeof line === "string" ? line : line.told);

/** @throws Error when the set-up of the lesson does not go through */
export function beginningOf(lesson: Lesson): Scene {
  let scene: Scene = { session: newSession("host"), pids: noPids };
  // Everybody is there from the beginning, in the place where shells start.
  const people = [...new Set(lesson.steps.map(({ by }) => by))].filter((by) => by !== "host");
  for (const text of [...lesson.setup, ...people.map((by) => `${by}: cd .`)]) {
    const { scene: next, failure } = carryOut(scene, text);
    if (failure !== null)
      throw new Error(`${lesson.id}: ${text}: ${failure.errno} ${failure.rule}`);
    scene = next;
  }
  return scene;
}

function carryOut(
  scene: Scene,
  text: string,
): { readonly scene: Scene; readonly failure: Failure | null } {
  const { session, failure } = play(scene.session, text);
  const by = processId(session, text.slice(0, text.indexOf(":")));
  return { scene: { session, pids: afterLine(scene.pids, session.state, by) }, failure };
}

type Taken = {
  readonly scene: Scene;
  readonly failure: Failure | null;
  readonly failedLine: number | null;
};

/** A line that fails ends the step, as `set -e` would: what it brings does not come either. */
function take(scene: Scene, step: Step): Taken {
  let now = scene;
  for (const [index, line] of step.lines.entries()) {
    if (typeof line !== "string") continue;
    const { scene: next, failure } = carryOut(now, `${step.by}: ${line}`);
    now = next;
    if (failure !== null) return { scene: now, failure, failedLine: index };
  }
  for (const text of step.brings ?? []) now = carryOut(now, text).scene;
  if (step.newPids === true) {
    now = { ...now, pids: withOwnPids(now.pids, processId(now.session, step.by)) };
  }
  if (step.newNetwork === true) {
    const { session } = now;
    const ownNetwork = new Set([...session.ownNetwork, processId(session, step.by)]);
    now = { ...now, session: { ...session, ownNetwork } };
  }
  return { scene: now, failure: null, failedLine: null };
}

const drawingOf = ({ session }: Scene) => worldOf(session.state, session.names);

const psOf = (lesson: Lesson, { session, pids }: Scene): readonly string[] | null =>
  lesson.showsProcesses === true
    ? psLines(procView(pids, session.state, processId(session, "box")))
    : null;

/**
 * The moments of a lesson: the beginning, and one after each step. A step that fails leaves things
 * as they were, and the next one is taken all the same: so one sees what it leads to.
 *
 * @param leftOut steps, counted from 1
 */
export function tell(lesson: Lesson, leftOut: ReadonlySet<number>): readonly Told[] {
  const begin = beginningOf(lesson);
  const first: Frame = {
    title: "Before",
    lines: [],
    outcome: "done",
    failure: null,
    failedLine: null,
    world: drawingOf(begin),
    changes: changesSince(undefined, drawingOf(begin)),
    ps: psOf(lesson, begin),
  };
  const all: Told[] = [{ scene: begin, frame: first }];
  for (const [index, step] of lesson.steps.entries()) {
    const before = all.at(-1) ?? { scene: begin, frame: first };
    const skipped = leftOut.has(index + 1);
    const taken = skipped
      ? { scene: before.scene, failure: null, failedLine: null }
      : take(before.scene, step);
    const world = drawingOf(taken.scene);
    const frame: Frame = {
      title: step.title,
      lines: step.lines.map((line) => ({ by: step.by, text: textOf(line) })),
      outcome: skipped ? "left out" : taken.failure === null ? "done" : "failed",
      failure: taken.failure,
      failedLine: taken.failedLine,
      world,
      changes: changesSince(before.frame.world, world),
      ps: psOf(lesson, taken.scene),
    };
    all.push({ scene: taken.scene, frame });
  }
  return all;
}
