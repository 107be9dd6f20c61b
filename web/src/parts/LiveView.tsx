/** The containers that run on this machine, and their mount trees as they are. */

import { useEffect, useMemo, useState } from "react";
import { type Live, type LiveContainer, livePath } from "../../../src/learn/live.ts";
import { changesSince, type Frame } from "../model/frame.ts";
import { readMountTable } from "../model/mount-table.ts";
import { worldOfTables } from "../model/trace.ts";
import { Stage } from "./Stage.tsx";

type Answer =
  | { readonly kind: "waiting" }
  | { readonly kind: "bad"; readonly why: string }
  | { readonly kind: "live"; readonly live: Live };

/** Milliseconds between two looks. */
const interval = 3000;

async function ask(signal: AbortSignal): Promise<Answer> {
  try {
    const response = await fetch(livePath, { signal });
    if (!response.ok) return { kind: "bad", why: await response.text() };
    // Our own server's answer, of this very version: its shape is src/model/live.ts.
    const live: Live = await response.json();
    return { kind: "live", live };
  } catch {
    return { kind: "bad", why: "pivot learn does not answer any more: start it again" };
  }
}

function useLive(running: boolean): Answer {
  const [answer, setAnswer] = useState<Answer>({ kind: "waiting" });
  useEffect(() => {
    if (!running) return;
    const controller = new AbortController();
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      const next = await ask(controller.signal);
      if (!controller.signal.aborted) setAnswer(next);
    };
    void look();
    const timer = setInterval(() => void look(), interval);
    return () => {
      controller.abort();
      clearInterval(timer);
    };
  }, [running]);
  return answer;
}

function LiveTree({
  host,
  container,
}: {
  readonly host: string;
  readonly container: LiveContainer;
}) {
  const frame = useMemo<Frame>(() => {
    const world = worldOfTables(
      readMountTable(host),
      readMountTable(container.mountinfo),
      container.name,
    );
    return {
      title: container.name,
      lines: [],
      outcome: "done",
      failure: null,
      failedLine: null,
      world,
      changes: changesSince(undefined, world),
      ps: null,
    };
  }, [host, container]);
  return <Stage frame={frame} isAfter={false} />;
}

export function LiveView() {
  const [running, setRunning] = useState(true);
  const [chosen, setChosen] = useState<string | null>(null);
  const answer = useLive(running);
  const containers = answer.kind === "live" ? answer.live.containers : [];
  const container = containers.find(({ id }) => id === chosen) ?? containers[0];
  return (
    <article className="live">
      <header className="lesson-head">
        <h1>Containers on this machine</h1>
        <p>The kernel’s own mount tables, as they are now. Nothing can be changed from here.</p>
      </header>
      <label className="switch">
        <input
          type="checkbox"
          role="switch"
          checked={running}
          onChange={() => setRunning(!running)}
        />
        look again every {interval / 1000} seconds
      </label>
      {answer.kind === "bad" ? (
        <p role="alert" className="failure">
          {answer.why}
        </p>
      ) : null}
      {answer.kind === "live" && containers.length === 0 ? (
        <p>
          No container runs. Start one: <code>pivot run -d busybox sleep 600</code>
        </p>
      ) : null}
      <ul className="containers">
        {containers.map(({ id, name, image, command, pid }) => (
          <li key={id}>
            <button type="button" aria-pressed={id === container?.id} onClick={() => setChosen(id)}>
              <strong>{name}</strong>
              <span>{image ?? "not of pivot"}</span>
              <code>{command}</code>
              <span>PID {pid}</span>
            </button>
          </li>
        ))}
      </ul>
      {answer.kind === "live" && container !== undefined ? (
        <LiveTree host={answer.live.host} container={container} />
      ) : null}
    </article>
  );
}
