/** Carrying out lines of util-linux's in the simulator, by processes that have names. */

import {
  apply,
  type Failure,
  initialState,
  type ProcessId,
  type State,
} from "../../../src/simulator/mod.ts";
import { expand, type ScriptLine, ScriptReader } from "../../../src/simulator/script.ts";

export type Session = {
  readonly state: State;
  readonly names: ReadonlyMap<ProcessId, string>;
};

/** @param first the name of the process that there is */
export const newSession = (first: string): Session => ({
  state: initialState({ root: { type: "ext4", source: "/dev/sda1" } }),
  names: new Map([[1, first]]),
});

export type Played = { readonly session: Session; readonly failure: Failure | null };

/** The system calls of a line, up to the first that fails; what came before it stays. */
export function carryOut(
  state: State,
  line: ScriptLine,
): { state: State; failure: Failure | null } {
  let now = state;
  for (const call of expand(line, state)) {
    // A reader of single lines does not know who is there.
    if (call.op === "fork" && call.child === line.by && now.processes[call.child] !== undefined) {
      continue;
    }
    const outcome = apply(now, call);
    if (!outcome.ok) return { state: now, failure: outcome };
    now = outcome.state;
  }
  return { state: now, failure: null };
}

/**
 * Carries out `NAME: COMMAND`. Who is named for the first time is a child of the first process.
 *
 * @throws Error for what the grammar does not know
 */
export function play({ state, names }: Session, text: string): Played {
  const colon = text.indexOf(": ");
  const name = text.slice(0, colon);
  const known = [...names].find(([, each]) => each === name)?.[0];
  const by = known ?? names.size + 1;
  const line = new ScriptReader().read(`p${by}: ${text.slice(colon + 2)}`);
  if (colon < 1 || line === null) throw new Error(`not a line of a process: ${text}`);
  const { state: after, failure } = carryOut(state, line);
  const all = known === undefined ? new Map([...names, [by, name] as const]) : names;
  return { session: { state: after, names: all }, failure };
}
