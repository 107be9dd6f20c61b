/** One lesson: the script with its switches, the drawing, the explanation, and questions. */

import { useMemo } from "react";
import type { Lesson, Step } from "../lessons/lesson.ts";
import type { Frame } from "../model/frame.ts";
import { tell } from "../model/story.ts";
import { changeWords, namespaceWords } from "../model/words.ts";
import { Keys, Player } from "./Player.tsx";
import { Quiz } from "./Quiz.tsx";
import { Stage } from "./Stage.tsx";
import { FailureNote, outcomeText, StepList } from "./StepList.tsx";

export type LessonHeading = "h1" | "h2" | "h3" | "h4";

const below = { h1: "h2", h2: "h3", h3: "h4", h4: "h5" } as const satisfies Record<
  LessonHeading,
  string
>;

export type LessonViewProps = {
  readonly lesson: Lesson;
  readonly step: number;
  readonly leftOut: ReadonlySet<number>;
  readonly onStep: (step: number) => void;
  readonly onLeftOut: (leftOut: ReadonlySet<number>) => void;
  /** Keys work wherever the focus is. */
  readonly everywhere?: boolean;
  readonly withQuiz?: boolean;
  /** The rank of the lesson's heading. */
  readonly heading?: LessonHeading;
  /** Where to go on from its end. */
  readonly next?: { readonly href: string; readonly title: string; readonly onGo: () => void };
};

/** A step in one paragraph, for who does not see the drawing. */
export const spoken = (frame: Frame, step: number, last: number): string =>
  [
    `Step ${step} of ${last}: ${frame.title}, ${outcomeText(frame)}.`,
    frame.failure === null ? "" : `${frame.failure.rule} ${frame.failure.cure ?? ""}`,
    step === 0 ? "" : changeWords(frame.changes),
    ...frame.world.map((namespace) => `${namespaceWords(namespace)}.`),
  ]
    .filter((text) => text !== "")
    .join(" ");

/** The lines of a step, beside what is said of them: on a phone the script is far below. */
export function Command({ frame: { lines } }: { readonly frame: Frame }) {
  if (lines.length === 0) return null;
  return <pre className="command">{lines.map(({ by, text }) => `${by}# ${text}`).join("\n")}</pre>;
}

function Explanation({ step, frame }: { readonly step: Step; readonly frame: Frame }) {
  return (
    <>
      <FailureNote frame={frame} />
      {frame.outcome === "left out" ? (
        <p className="left-out-note">
          <strong>Left out.</strong> {step.leaveOut?.shows} Step on to see what it leads to.
        </p>
      ) : null}
      <dl className="why">
        <dt>What</dt>
        <dd>{step.what}</dd>
        <dt>Why</dt>
        <dd>{step.why}</dd>
        <dt>Without it</dt>
        <dd>{step.without}</dd>
      </dl>
    </>
  );
}

export function LessonView({
  lesson,
  step: wanted,
  leftOut,
  onStep,
  onLeftOut,
  everywhere = false,
  withQuiz = true,
  heading: Heading = "h1",
  next,
}: LessonViewProps) {
  const frames = useMemo(() => tell(lesson, leftOut).map(({ frame }) => frame), [lesson, leftOut]);
  const last = frames.length - 1;
  const step = Math.min(last, Math.max(0, wanted));
  const frame = frames[step];
  const told = lesson.steps[step - 1];
  if (frame === undefined) return null;
  return (
    <article className="lesson">
      <header className="lesson-head">
        <Heading>{lesson.title}</Heading>
        <p>{lesson.summary}</p>
      </header>
      <Player
        last={last}
        step={step}
        onStep={onStep}
        said={spoken(frame, step, last)}
        everywhere={everywhere}
      >
        <div className="board">
          <div className="board-script">
            <StepList
              frames={frames}
              step={step}
              onStep={onStep}
              leaveOut={{
                steps: leftOut,
                can: (at) => lesson.steps[at - 1]?.leaveOut !== undefined,
                onChange: onLeftOut,
              }}
            />
            <p className="script-foot">
              {leftOut.size === 0 ? (
                "Leave a line out, and see what it was for."
              ) : (
                <button type="button" onClick={() => onLeftOut(new Set())}>
                  Put every line back
                </button>
              )}
            </p>
            <Keys />
          </div>
          <div className="board-explanation">
            <p className="board-step">{step === 0 ? "Before the first step" : frame.title}</p>
            <Command frame={frame} />
            {told === undefined ? (
              <p>{lesson.before}</p>
            ) : (
              <Explanation step={told} frame={frame} />
            )}
          </div>
          <div className="board-stage">
            <Stage frame={frame} isAfter={step > 0} />
          </div>
        </div>
      </Player>
      {withQuiz ? <Quiz key={lesson.id} questions={lesson.quiz} heading={below[Heading]} /> : null}
      {next === undefined ? null : (
        <p className="next">
          <a href={next.href} onClick={next.onGo}>
            Next: {next.title}
          </a>
        </p>
      )}
    </article>
  );
}
