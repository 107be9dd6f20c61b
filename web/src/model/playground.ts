/** A script of the playground: a frame for each line, and what could not be read. */

import { changesSince, type Frame } from "./frame.ts";
import { worldOf } from "./from-state.ts";
import { newSession, play, type Session } from "./session.ts";

export type Played = {
  readonly frames: readonly Frame[];
  /** `line 3: …` */
  readonly problems: readonly string[];
};

export function playScript(text: string): Played {
  const problems: string[] = [];
  let session: Session = newSession();
  const world = worldOf(session.state, session.names);
  const frames: Frame[] = [
    {
      title: "Before",
      lines: [],
      outcome: "done",
      failure: null,
      failedLine: null,
      world,
      changes: changesSince(undefined, world),
      ps: null,
    },
  ];
  for (const [i, raw] of text.split("\n").entries()) {
    const line = raw.replace(/#.*/, "").trim();
    if (line === "") continue;
    const named = /^(\w+):/.test(line) ? line : `host: ${line}`;
    try {
      const { session: next, failure } = play(session, named.replace(/^p1:/, "host:"));
      session = next;
      const w = worldOf(session.state, session.names);
      frames.push({
        title: line,
        lines: [],
        outcome: failure ? "failed" : "done",
        failure,
        failedLine: null,
        world: w,
        changes: changesSince(frames.at(-1)?.world, w),
        ps: null,
      });
    } catch (e) {
      problems.push(`line ${i + 1}: ${e instanceof Error ? e.message : e}`);
    }
  }
  return { frames, problems };
}
