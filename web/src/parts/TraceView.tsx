/** A recorded trace: the steps of a real container, with the kernel's own mount tables. */

import { type ChangeEvent, type DragEvent, useCallback, useState } from "react";
import { mostTraceBytes, readTrace, type TraceFrame } from "../model/trace.ts";
import { Command, spoken } from "./LessonView.tsx";
import { Keys, Player } from "./Player.tsx";
import { Stage } from "./Stage.tsx";
import { FailureNote, StepList } from "./StepList.tsx";

type Opened =
  | { readonly kind: "none" }
  | { readonly kind: "bad"; readonly name: string; readonly why: string }
  | { readonly kind: "trace"; readonly name: string; readonly frames: readonly TraceFrame[] };

async function open(file: File): Promise<Opened> {
  const { name } = file;
  if (file.size > mostTraceBytes) return { kind: "bad", name, why: "the file is too large" };
  try {
    return { kind: "trace", name, frames: readTrace(await file.text()) };
  } catch (error) {
    return { kind: "bad", name, why: error instanceof Error ? error.message : String(error) };
  }
}

function Trace({ frames }: { readonly frames: readonly TraceFrame[] }) {
  const [step, setStep] = useState(0);
  const last = frames.length - 1;
  const frame = frames[Math.min(step, last)];
  if (frame === undefined) return null;
  return (
    <Player last={last} step={step} onStep={setStep} said={spoken(frame, step, last)} everywhere>
      <div className="board">
        <div className="board-script board-trace">
          <StepList frames={frames} step={step} onStep={setStep} />
          <Keys />
        </div>
        <div className="board-explanation">
          <p className="board-step">{frame.title}</p>
          <Command frame={frame} />
          <FailureNote frame={frame} />
          <p>{frame.why}</p>
        </div>
        <div className="board-stage">
          <Stage frame={frame} isAfter={step > 0} />
        </div>
      </div>
    </Player>
  );
}

export function TraceView() {
  const [opened, setOpened] = useState<Opened>({ kind: "none" });
  const [over, setOver] = useState(false);
  const take = useCallback(async (files: FileList | null) => {
    const file = files?.[0];
    if (file !== undefined) setOpened(await open(file));
  }, []);
  return (
    <article
      className={over ? "trace is-over" : "trace"}
      onDragOver={(event: DragEvent) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event: DragEvent) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer.files);
      }}
    >
      <header className="lesson-head">
        <h1>A recorded trace</h1>
        <p>
          <code>pivot debug --record FILE IMAGE COMMAND</code> writes down what the kernel’s mount
          tables were after each step of a real container. The file stays on your machine.
        </p>
      </header>
      <label className="chooser">
        <span>Choose a trace, or drop it anywhere here</span>
        <input
          type="file"
          accept=".jsonl,.ndjson,.json,.trace,text/plain"
          onChange={(event: ChangeEvent<HTMLInputElement>) => void take(event.target.files)}
        />
      </label>
      {opened.kind === "bad" ? (
        <p role="alert" className="failure">
          {opened.name}: {opened.why}
        </p>
      ) : null}
      {opened.kind === "trace" ? (
        <>
          <h2 className="trace-name">{opened.name}</h2>
          <Trace key={opened.name} frames={opened.frames} />
        </>
      ) : null}
    </article>
  );
}
