/** A script line by line: what the simulator, and if asked the real kernel, makes of each call. */

import { errnoName } from "../plan/errno.ts";
import {
  apply,
  expand,
  type Failure,
  type MountinfoRow,
  mountTable,
  type Operation,
  parseMountinfo,
  type ScriptLine,
  type State,
} from "../simulator/mod.ts";
import { type KernelOrder, type KernelStep, runByKernel } from "./kernel.ts";

/** What came of one line. Its calls are made in order until one fails. */
export type LineResult = {
  readonly line: ScriptLine;
  /** The system calls that were made; the last one failed if `errno` is not null. */
  readonly calls: readonly Operation[];
  /** `EINVAL`; null: all went well. */
  readonly errno: string | null;
  /** Rule and cure; absent where the simulator expected something else than the kernel did. */
  readonly failure?: Failure;
  /** What the simulator expected instead: null that it goes well. Only with the kernel. */
  readonly expected?: string | null;
  /** The mount table of the process afterwards; empty when it is no more. */
  readonly table: readonly MountinfoRow[];
};

/** One line in the simulator. */
export function simulateLine(
  line: ScriptLine,
  before: State,
): { readonly result: LineResult; readonly state: State } {
  let state = before;
  const calls: Operation[] = [];
  for (const op of expand(line, before)) {
    calls.push(op);
    const outcome = apply(state, op);
    if (!outcome.ok) {
      const table = mountTable(state, line.by);
      return { result: { line, calls, errno: outcome.errno, failure: outcome, table }, state };
    }
    state = outcome.state;
  }
  return { result: { line, calls, errno: null, table: mountTable(state, line.by) }, state };
}

export function simulateLines(lines: readonly ScriptLine[], start: State): LineResult[] {
  let state = start;
  return lines.map((line) => {
    const done = simulateLine(line, state);
    state = done.state;
    return done.result;
  });
}

/** All calls of a line: each on condition that the one before went well. */
const ordersOf = ({ by }: ScriptLine, ops: readonly Operation[]): KernelOrder[] =>
  ops.length === 0
    ? [{ op: null, tables: [by] }]
    : ops.map((op, i) => ({ op, ifWell: i > 0, tables: i === ops.length - 1 ? [by] : [] }));

/**
 * The same by the real kernel, with the simulator beside it for the words.
 * @param start what the simulator takes the kernel's world for: `throwAwayState`
 */
export function runLinesByKernel(lines: readonly ScriptLine[], start: State): LineResult[] {
  const expected = simulateLines(lines, start);
  let state = start;
  const plans = lines.map((line) => {
    const ops = expand(line, state);
    state = simulateLine(line, state).state;
    return { line, ops, orders: ordersOf(line, ops) };
  });
  const steps = runByKernel([plans.flatMap(({ orders }) => orders)])[0] ?? [];
  let at = 0;
  return plans.map(({ line, ops, orders }, i) => {
    const own = steps.slice(at, at + orders.length);
    at += orders.length;
    return fromKernel(line, ops, own, expected[i]);
  });
}

function fromKernel(
  line: ScriptLine,
  ops: readonly Operation[],
  steps: readonly KernelStep[],
  expected: LineResult | undefined,
): LineResult {
  const failed = steps.findIndex(({ errno }) => errno > 0);
  const errno = failed < 0 ? null : errnoName(steps[failed]?.errno ?? 0);
  const calls = failed < 0 ? ops : ops.slice(0, failed + 1);
  const same = expected?.errno === errno && expected.calls.length === calls.length;
  return {
    line,
    calls,
    errno,
    ...(same && expected.failure !== undefined ? { failure: expected.failure } : {}),
    ...(same ? {} : { expected: expected?.errno ?? null }),
    table: parseMountinfo(steps.at(-1)?.tables[0] ?? ""),
  };
}
