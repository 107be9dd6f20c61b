/** The playground: an editor for scripts of mount commands, carried out while one types. */

import { useDeferredValue, useId, useMemo, useState } from "react";
import { examples } from "../lessons/examples.ts";
import { playScript } from "../model/playground.ts";
import { Command, spoken } from "./LessonView.tsx";
import { Keys, Player } from "./Player.tsx";
import { Stage } from "./Stage.tsx";
import { FailureNote, StepList } from "./StepList.tsx";

const first = examples[0]?.text ?? "";

export function PlaygroundView() {
  const [text, setText] = useState(first);
  const [step, setStep] = useState(0);
  const settled = useDeferredValue(text);
  const { frames, problems } = useMemo(() => playScript(settled), [settled]);
  const editor = useId();
  const last = frames.length - 1;
  const at = Math.min(step, last);
  const frame = frames[at];
  return (
    <article className="playground">
      <header className="lesson-head">
        <h1>Playground</h1>
        <p>
          util-linux’ own grammar, as in <code>pivot mountns</code>: mount, umount, pivot_root,
          unshare, chroot, cd, mkdir, touch. <code>p2: …</code> is another process.
        </p>
      </header>
      <div className="editor">
        <div className="examples" role="group" aria-label="Examples">
          {examples.map((example) => (
            <button
              key={example.id}
              type="button"
              onClick={() => {
                setText(example.text);
                setStep(0);
              }}
            >
              {example.title}
            </button>
          ))}
        </div>
        <label htmlFor={editor}>Script</label>
        <textarea
          id={editor}
          value={text}
          rows={12}
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
          onChange={({ target }) => setText(target.value)}
          aria-describedby={`${editor}-problems`}
        />
        <ul className="problems" id={`${editor}-problems`} aria-live="polite">
          {problems.map((problem) => (
            <li key={problem}>{problem}</li>
          ))}
        </ul>
      </div>
      {frame === undefined ? null : (
        <Player last={last} step={at} onStep={setStep} said={spoken(frame, at, last)} everywhere>
          <div className="board">
            <div className="board-script board-trace">
              <StepList frames={frames} step={at} onStep={setStep} />
              <Keys />
            </div>
            <div className="board-explanation">
              {at === 0 ? (
                <p className="board-step">Before the first line</p>
              ) : (
                <Command frame={frame} />
              )}
              <FailureNote frame={frame} />
            </div>
            <div className="board-stage">
              <Stage frame={frame} isAfter={at > 0} />
            </div>
          </div>
        </Player>
      )}
    </article>
  );
}
