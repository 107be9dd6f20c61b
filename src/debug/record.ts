/**
 * A trace of a container's making, one JSON document a line:
 *
 *     {"pivot": "trace", "version": 1, "id": …, "steps": [{"number", "by", "what", "detail", "why", "op"}, …]}
 *     {"step": 0, "parent": {"pid", "mountinfo"}, "init": null}              before the first step
 *     {"step": 1, "parent": {"pid"}, "init": …}                              after step 1, and so on
 *     {"end": {"exitCode", "signal", "failure": {"step", "errno", "text"} | null}}
 *
 * `mountinfo` is the kernel's own text, and left out where it is the same as in the line before.
 */

import type { Outcome } from "../executor/spawn.ts";
import { describeOp } from "../plan/describe.ts";
import { planToJson } from "../plan/json.ts";
import type { Plan } from "../plan/op.ts";
import { mountInfoOf } from "./actors.ts";

/** A plan as one line, with numbers for people. */
function headLine(id: string, plan: Plan): string {
  const { steps } = JSON.parse(planToJson(plan)) as { steps: readonly { op: unknown }[] };
  const told = plan.steps.map(({ by, op, why }, i) => ({
    number: i + 1,
    by,
    ...describeOp(op),
    why,
    op: steps[i]?.op,
  }));
  return JSON.stringify({ pivot: "trace", version: 1, id, steps: told });
}

type Actor = { readonly pid: number; readonly mountinfo?: string };

export class Recorder {
  readonly #write: (line: string) => void;
  readonly #last: { parent: string | null; init: string | null } = { parent: null, init: null };

  constructor(id: string, plan: Plan, write: (line: string) => void) {
    this.#write = write;
    write(headLine(id, plan));
  }

  #actor(which: "parent" | "init", pid: number | null): Actor | null {
    const mountinfo = mountInfoOf(pid);
    if (pid === null || mountinfo === null) return null;
    if (mountinfo === this.#last[which]) return { pid };
    this.#last[which] = mountinfo;
    return { pid, mountinfo };
  }

  /** @param step the number of the step that was done last; 0: none */
  after(step: number, parent: number, init: number | null): void {
    const line = { step, parent: this.#actor("parent", parent), init: this.#actor("init", init) };
    this.#write(JSON.stringify(line));
  }

  end({ exitCode, signal, failure }: Outcome): void {
    const told = failure === null ? null : { ...failure, step: failure.step + 1 };
    this.#write(JSON.stringify({ end: { exitCode, signal, failure: told } }));
  }
}
