/**
 * A container that is made one step at a time.
 *
 *     session.next()  ->  stopped before a step  ->  session.resume()  ->  session.next() -> …
 *
 * The executor waits at each stop for SIGCONT, and undoes what it has done when it is told to end, or
 * when this process ends.
 */

import type { StdioOptions } from "node:child_process";
import { type Execution, executePlan, type Outcome } from "../executor/spawn.ts";
import type { Plan } from "../plan/op.ts";
import { type Stoppable, withStops } from "./stops.ts";

export type Happening =
  /** Before the step of this index; `init` is the pid of the container's first process. */
  | { readonly kind: "stopped"; readonly step: number; readonly init: number | null }
  /** The program runs. */
  | { readonly kind: "started"; readonly init: number }
  /** All is undone; a failure's step is an index of the plan. */
  | { readonly kind: "ended"; readonly outcome: Outcome };

export class Session {
  readonly plan: Plan;
  /** The last step that it stops before, by index. */
  readonly last: number;
  readonly #stoppable: Stoppable;
  readonly #execution: Execution;
  readonly #happenings: Happening[] = [];
  #wake: (() => void) | null = null;
  /** Resolves when all is undone, whoever has asked for that. */
  readonly over: Promise<void>;

  /** @param stdio of the container; the caller's own by default */
  constructor(plan: Plan, stdio: StdioOptions) {
    this.plan = plan;
    this.#stoppable = withStops(plan);
    this.last = this.#stoppable.last;
    this.#execution = executePlan(this.#stoppable.plan, stdio, (event) => {
      if (event.kind === "paused") {
        const step = this.#stoppable.stepOfRecord[event.record] ?? 0;
        this.#tell({ kind: "stopped", step, init: event.init });
      }
      if (event.kind === "started") this.#tell({ kind: "started", init: event.pid });
    });
    this.over = this.#execution.outcome.then((outcome) =>
      this.#tell({ kind: "ended", outcome: this.#own(outcome) }),
    );
  }

  /** The executor, which is the parent of the plan. */
  get parent(): number {
    return this.#execution.child.pid ?? 0;
  }

  #tell(happening: Happening): void {
    this.#happenings.push(happening);
    this.#wake?.();
  }

  /** With the steps of the plan that people see. */
  #own(outcome: Outcome): Outcome {
    const own = (failure: { step: number; errno: number; text: string }) => ({
      ...failure,
      step: this.#stoppable.stepOf[failure.step] ?? -1,
    });
    return {
      ...outcome,
      failure: outcome.failure === null ? null : own(outcome.failure),
      left: outcome.left.map(own),
    };
  }

  async next(): Promise<Happening> {
    for (;;) {
      const happening = this.#happenings.shift();
      if (happening !== undefined) return happening;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  resume(): void {
    this.#execution.child.kill("SIGCONT");
  }

  /** Gives the container up: the executor undoes what it has done, and `next` tells its end. */
  end(): void {
    this.#execution.child.kill("SIGTERM");
  }
}
