/**
 * Recorded traces, as `pivot debug --record` writes them: a line of JSON that tells the plan, one for
 * the moment after each step with the kernel's own mount tables, and one for the end.
 *
 *     {"pivot": "trace", "version": 1, "id": …, "steps": [{"number", "by", "what", "detail", "why", …}, …]}
 *     {"step": 0, "parent": {"pid", "mountinfo"}, "init": null}
 *     {"step": 1, "parent": {"pid"}, "init": {"pid", "mountinfo"}}
 *     {"end": {"exitCode", "signal", "failure": {"step", "errno", "text"} | null}}
 *
 * `mountinfo` is left out where it is what it was in the line before.
 */

import { changesSince, type Frame } from "./frame.ts";
import { readMountTable } from "./mount-table.ts";
import type { DrawnMount, DrawnNamespace, World } from "./world.ts";

/** Larger ones are none: a trace is some hundred kilobytes. */
export const mostTraceBytes = 64 * 1024 * 1024;

/** What is wrong with a trace, in a line for people. */
export class TraceError extends Error {
  override readonly name = "TraceError";
}

/** A JSON object by its keys, with what it is for errors. */
class Fields {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly at: string;

  constructor(value: unknown, at: string) {
    if (typeof value !== "object" || value === null) throw new TraceError(`${at} is no object`);
    this.#fields = new Map<string, unknown>(Object.entries(value));
    this.at = at;
  }

  has(name: string): boolean {
    return this.#fields.has(name);
  }

  text(name: string): string {
    const value = this.#fields.get(name);
    if (typeof value !== "string") throw new TraceError(`${this.at} has no text "${name}"`);
    return value;
  }

  number(name: string): number {
    const value = this.#fields.get(name);
    if (typeof value !== "number") throw new TraceError(`${this.at} has no number "${name}"`);
    return value;
  }

  /** null: it is not there, or null. */
  object(name: string): Fields | null {
    const value = this.#fields.get(name) ?? null;
    return value === null ? null : new Fields(value, `"${name}" of ${this.at}`);
  }

  list(name: string): readonly Fields[] {
    const value = this.#fields.get(name);
    if (!Array.isArray(value)) throw new TraceError(`${this.at} has no list "${name}"`);
    return value.map((each, i) => new Fields(each, `${i + 1} of "${name}" of ${this.at}`));
  }
}

function readLine(line: string, number: number): Fields {
  const at = `line ${number} of the trace`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new TraceError(`${at} is no JSON: record one with pivot debug --record FILE`);
  }
  return new Fields(value, at);
}

const namespace = (key: string, title: string, mounts: readonly DrawnMount[]): DrawnNamespace => ({
  key,
  title,
  mounts,
  processes: [],
});

/** The host beside the container, from their mount tables; null: there is none, or none of its own. */
export function worldOfTables(
  host: readonly DrawnMount[],
  container: readonly DrawnMount[] | null,
  who: string,
): World {
  const world = [namespace("host", "What the host sees", host)];
  // In one namespace both tables tell of the same mounts.
  const shared = new Set(host.map(({ id }) => id));
  return container === null || container.some(({ id }) => shared.has(id))
    ? world
    : [...world, namespace("container", `What ${who} sees`, container)];
}

/** The mounts that an actor sees, given what it saw the moment before. */
function tableOf(actor: Fields | null, before: readonly DrawnMount[] | null) {
  if (actor === null) return null;
  return actor.has("mountinfo") ? readMountTable(actor.text("mountinfo")) : (before ?? []);
}

type Tables = {
  readonly parent: readonly DrawnMount[] | null;
  readonly init: readonly DrawnMount[] | null;
};

export type TraceFrame = Frame & { readonly why: string };

function frameOf(step: Fields | undefined, tables: Tables, before: World | undefined): TraceFrame {
  const world = worldOfTables(tables.parent ?? [], tables.init, "the container");
  return {
    title: step === undefined ? "Before" : step.text("what"),
    lines: step === undefined ? [] : [{ by: step.text("by"), text: step.text("detail") }],
    outcome: "done",
    failure: null,
    failedLine: null,
    world,
    changes: changesSince(before, world),
    ps: null,
    why: step?.text("why") ?? "Before the first step of the plan",
  };
}

/** The step that failed is one that no moment comes after. */
function failedFrame(
  end: Fields | null,
  steps: readonly Fields[],
  last: TraceFrame | undefined,
): TraceFrame[] {
  const failure = end?.object("failure") ?? null;
  const step = failure === null ? undefined : steps[failure.number("step") - 1];
  if (failure === null || step === undefined || last === undefined) return [];
  const has = (name: string): string => (failure.has(name) ? String(failure.text(name)) : "");
  return [
    {
      ...last,
      title: step.text("what"),
      lines: [{ by: step.text("by"), text: step.text("detail") }],
      outcome: "failed",
      failure: { errno: has("errno"), rule: has("text"), cure: null },
      failedLine: 0,
      changes: changesSince(last.world, last.world),
      why: step.text("why"),
    },
  ];
}

/** @throws TraceError with the line that is wrong, and how */
export function readTrace(text: string): readonly TraceFrame[] {
  const lines = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [readLine(line, index + 1)]));
  const [head, ...moments] = lines;
  if (head === undefined) throw new TraceError("the trace is empty");
  if (!head.has("pivot") || head.text("pivot") !== "trace") {
    throw new TraceError("this is no trace: record one with pivot debug --record FILE");
  }
  if (head.number("version") !== 1) {
    throw new TraceError(`the trace has version ${head.number("version")}, and this page reads 1`);
  }
  const steps = head.list("steps");
  const frames: TraceFrame[] = [];
  let tables: Tables = { parent: null, init: null };
  let end: Fields | null = null;
  for (const line of moments) {
    if (line.has("end")) {
      end = line.object("end");
      continue;
    }
    tables = {
      parent: tableOf(line.object("parent"), tables.parent),
      init: tableOf(line.object("init"), tables.init),
    };
    frames.push(frameOf(steps[line.number("step") - 1], tables, frames.at(-1)?.world));
  }
  if (frames.length === 0) throw new TraceError("the trace tells of no step");
  return [...frames, ...failedFrame(end, steps, frames.at(-1))];
}
