/** The script: each step with its lines, how it went, and a switch to leave it out. */

import { useEffect, useRef } from "react";
import type { Frame } from "../model/frame.ts";

export type StepListProps = {
  /** The first one is the beginning. */
  readonly frames: readonly Frame[];
  readonly step: number;
  readonly onStep: (step: number) => void;
  /** Absent: nothing can be left out. */
  readonly leaveOut?: {
    readonly steps: ReadonlySet<number>;
    readonly can: (step: number) => boolean;
    readonly onChange: (steps: ReadonlySet<number>) => void;
  };
};

/** In words, beside the mark: `✗ EINVAL`. */
export function outcomeText({ outcome, failure }: Frame): string {
  if (outcome === "left out") return "left out";
  return outcome === "done" ? "done" : (failure?.errno ?? "failed");
}

const marks = { done: "✓", failed: "✗", "left out": "–" } as const;

const toggled = (steps: ReadonlySet<number>, step: number): ReadonlySet<number> => {
  const next = new Set(steps);
  if (!next.delete(step)) next.add(step);
  return next;
};

/** A line of a playground's script is its own title. */
const isItsTitle = ({ title, lines }: Frame): boolean =>
  lines.length === 1 && lines[0]?.text === title;

function Lines({ frame: { lines, failedLine } }: { readonly frame: Frame }) {
  return lines.map(({ by, text }, at) => (
    <code key={text} className={failedLine === at ? "line line-failed" : "line"}>
      <span className="prompt">{by}#</span> {text}
    </code>
  ));
}

/** A long list scrolls along with its steps, and the page stays where it is. */
function useScrolling(step: number) {
  const ref = useRef<HTMLOListElement>(null);
  useEffect(() => {
    const list = ref.current;
    const item = list?.children[step];
    if (list === null || !(item instanceof HTMLElement)) return;
    if (list.scrollHeight <= list.clientHeight) return;
    list.scrollTop = item.offsetTop - list.offsetTop - (list.clientHeight - item.clientHeight) / 2;
  }, [step]);
  return ref;
}

export function StepList({ frames, step, onStep, leaveOut }: StepListProps) {
  const list = useScrolling(step);
  return (
    <ol ref={list} className="steps" start={0}>
      {frames.map((frame, index) => (
        <li
          // The order is what a step is: titles may come twice.
          key={`${index} ${frame.title}`}
          className={`step outcome-${frame.outcome.replace(" ", "-")}${index === step ? " is-now" : ""}${index > step ? " is-later" : ""}`}
        >
          <button
            type="button"
            className="step-go"
            aria-current={index === step ? "step" : undefined}
            onClick={() => onStep(index)}
          >
            <span className="step-title">
              <span className="step-number">{index}</span>{" "}
              {isItsTitle(frame) ? <Lines frame={frame} /> : frame.title}
              {index === 0 ? null : (
                <span className={`step-outcome outcome-${frame.outcome.replace(" ", "-")}-mark`}>
                  <span aria-hidden="true">{marks[frame.outcome]} </span>
                  {outcomeText(frame)}
                </span>
              )}
            </span>
            {isItsTitle(frame) ? null : <Lines frame={frame} />}
          </button>
          {leaveOut?.can(index) === true ? (
            <label className="switch">
              <input
                type="checkbox"
                role="switch"
                aria-label={`leave out: ${frame.title}`}
                checked={leaveOut.steps.has(index)}
                onChange={() => leaveOut.onChange(toggled(leaveOut.steps, index))}
              />
              leave out
            </label>
          ) : null}
        </li>
      ))}
    </ol>
  );
}

/** What the kernel said, which rule that is, and what to do about it. */
export function FailureNote({ frame }: { readonly frame: Frame }) {
  const { failure, failedLine, lines } = frame;
  if (failure === null) return null;
  const line = failedLine === null ? undefined : lines[failedLine];
  return (
    <div className="failure">
      <p>
        <strong className="errno">{failure.errno}</strong>{" "}
        {line === undefined ? null : <code>{line.text}</code>}
      </p>
      <p>
        <strong>The rule:</strong> {failure.rule}
      </p>
      {failure.cure === null ? null : (
        <p>
          <strong>The cure:</strong> {failure.cure}
        </p>
      )}
    </div>
  );
}
