/** Carrying out lines of util-linux's in the simulator, by processes that have names. */

import {
  apply,
  type Failure,
  initialState,
  type Operation,
  type Outcome,
  type ProcessId,
  type State,
} from "../../../src/simulator/mod.ts";
import { expand, type ScriptLine, ScriptReader } from "../../../src/simulator/script.ts";

export type Session = {
  readonly state: State;
  readonly names: ReadonlyMap<ProcessId, string>;
  /** Who has a network namespace of its own. */
  readonly ownNetwork: ReadonlySet<ProcessId>;
};

/** @param first the name of the process that there is */
export const newSession = (first: string): Session => ({
  state: initialState({ root: { type: "ext4", source: "/dev/sda1" } }),
  names: new Map([[1, first]]),
  ownNetwork: new Set(),
});

export type Played = { readonly session: Session; readonly failure: Failure | null };

/**
 * There is one sysfs for each network namespace, and the simulator, which knows of none, takes it that
 * there is one for the machine. So whoever has a network of its own mounts something new, by that name.
 */
function mountOwnSysfs(state: State, call: Operation & { readonly op: "mount" }): Outcome {
  const outcome = apply(state, { ...call, type: "tmpfs", options: [] });
  if (!outcome.ok) return outcome;
  const { superblocks } = outcome.state;
  const named = Object.values(superblocks).map((superblock) =>
    state.superblocks[superblock.id] === undefined ? { ...superblock, type: "sysfs" } : superblock,
  );
  const all = Object.fromEntries(named.map((superblock) => [superblock.id, superblock]));
  return { ok: true, state: { ...outcome.state, superblocks: all } };
}

/** The system calls of a line, up to the first that fails; what came before it stays. */
export function carryOut(
  state: State,
  line: ScriptLine,
  ownNetwork: ReadonlySet<ProcessId> = new Set(),
): { state: State; failure: Failure | null } {
  let now = state;
  for (const call of expand(line, state)) {
    // A reader of single lines does not know who is there.
    if (call.op === "fork" && call.child === line.by && now.processes[call.child] !== undefined) {
      continue;
    }
    const isOwn = call.op === "mount" && call.type === "sysfs" && ownNetwork.has(call.by);
    const outcome = isOwn ? mountOwnSysfs(now, call) : apply(now, call);
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
export function play({ state, names, ownNetwork }: Session, text: string): Played {
  const colon = text.indexOf(": ");
  const name = text.slice(0, colon);
  const known = [...names].find(([, each]) => each === name)?.[0];
  const by = known ?? names.size + 1;
  const line = new ScriptReader().read(`p${by}: ${text.slice(colon + 2)}`);
  if (colon < 1 || line === null) throw new Error(`not a line of a process: ${text}`);
  const { state: after, failure } = carryOut(state, line, ownNetwork);
  const all = known === undefined ? new Map([...names, [by, name] as const]) : names;
  return { session: { state: after, names: all, ownNetwork }, failure };
}
