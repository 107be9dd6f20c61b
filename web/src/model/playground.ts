/** A script of the playground: a frame for each line, and what could not be read. */

import type { Failure } from "../../../src/simulator/mod.ts";
import { ScriptError, type ScriptLine, ScriptReader } from "../../../src/simulator/script.ts";
import { changesSince, type Frame } from "./frame.ts";
import { worldOf } from "./from-state.ts";
import { carryOut, newSession, type Session } from "./session.ts";

export type PlayedScript = {
  /** The first one is the beginning. */
  readonly frames: readonly Frame[];
  /** `line 3: there is no command moutn here, …` */
  readonly problems: readonly string[];
};

/** `p2: cd /` without who does it. */
const commandOf = ({ text }: ScriptLine): string => text.replace(/^p\d+:\s*/, "");

function readLines(text: string): { lines: ScriptLine[]; problems: string[] } {
  const reader = new ScriptReader();
  const lines: ScriptLine[] = [];
  const problems: string[] = [];
  for (const written of text.split("\n")) {
    try {
      const line = reader.read(written);
      if (line !== null) lines.push(line);
    } catch (error) {
      if (!(error instanceof ScriptError)) throw error;
      problems.push(error.message);
    }
  }
  return { lines, problems };
}

function frameOf(
  session: Session,
  before: Frame | undefined,
  line: ScriptLine | null,
  failure: Failure | null,
): Frame {
  const world = worldOf(session.state, session.names);
  const text = line === null ? "Before" : commandOf(line);
  return {
    title: text,
    lines: line === null ? [] : [{ by: `p${line.by}`, text }],
    outcome: failure === null ? "done" : "failed",
    failure,
    failedLine: failure === null ? null : 0,
    world,
    changes: changesSince(before?.world, world),
    ps: null,
  };
}

/** Lines that cannot be read are told and left out; those that fail leave things as they were. */
export function playScript(text: string): PlayedScript {
  const { lines, problems } = readLines(text);
  let session = newSession("p1");
  const frames: Frame[] = [frameOf(session, undefined, null, null)];
  for (const line of lines) {
    const { state, failure } = carryOut(session.state, line);
    const names = new Map(Object.values(state.processes).map(({ id }) => [id, `p${id}`] as const));
    session = { ...session, state, names };
    frames.push(frameOf(session, frames.at(-1), line, failure));
  }
  return { frames, problems };
}
