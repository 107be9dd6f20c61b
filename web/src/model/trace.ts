/**
 * Recorded traces: a line of JSON for each step of a plan, with the kernel's own mount tables after
 * it, as the executor's parent and the container's first process see them.
 *
 *     {"step":12,"by":"init","what":"mount proc on /proc","why":"mounts[0]",
 *      "parent":"22 28 0:21 / /proc …\n","init":"…\n"}
 */

import { changesSince, type Frame } from "./frame.ts";
import { readMountTable } from "./mount-table.ts";
import type { DrawnNamespace, World } from "./world.ts";

type TraceLine = {
  readonly step: number;
  readonly by: string;
  readonly what: string;
  readonly why: string;
  readonly parent: string;
  /** null: it is not there yet, or not any more. */
  readonly init: string | null;
};

/** Larger ones are none: a step's two tables are a few thousand bytes. */
export const mostTraceBytes = 64 * 1024 * 1024;

function readLine(line: string, number: number): TraceLine {
  const at = `line ${number} of the trace`;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new Error(`${at} is no JSON: record one with pivot debug --record FILE`);
  }
  if (typeof value !== "object" || value === null) throw new Error(`${at} is no object`);
  const fields = new Map<string, unknown>(Object.entries(value));
  const text = (name: string): string => {
    const field = fields.get(name);
    if (typeof field !== "string") throw new Error(`${at} has no text ${name}`);
    return field;
  };
  const step = fields.get("step");
  if (typeof step !== "number") throw new Error(`${at} has no number step`);
  const init = fields.get("init");
  return {
    step,
    by: text("by"),
    what: text("what"),
    why: typeof fields.get("why") === "string" ? text("why") : "",
    parent: text("parent"),
    init: init === null || init === undefined ? null : text("init"),
  };
}

const namespace = (key: string, title: string, table: string): DrawnNamespace => ({
  key,
  title,
  mounts: readMountTable(table),
  processes: [],
});

/** The host beside the container, from their mount tables. */
export function worldOfTables(host: string, container: string | null, who: string): World {
  const world = [namespace("host", "What the host sees", host)];
  return container === null || container === host
    ? world
    : [...world, namespace("container", `What ${who} sees`, container)];
}

export type TraceFrame = Frame & { readonly why: string };

/** @throws Error with the line that is wrong, and how */
export function readTrace(text: string): readonly TraceFrame[] {
  const lines = text
    .split("\n")
    .flatMap((line, index) => (line.trim() === "" ? [] : [readLine(line, index + 1)]));
  if (lines.length === 0) throw new Error("the trace is empty");
  const frames: TraceFrame[] = [];
  for (const { step, by, what, why, parent, init } of lines) {
    const world = worldOfTables(parent, init, "the container");
    frames.push({
      title: `${step}. ${what}`,
      lines: [],
      outcome: "done",
      failure: null,
      failedLine: null,
      world,
      changes: changesSince(frames.at(-1)?.world, world),
      ps: null,
      why: `${by}${why === "" ? "" : `: ${why}`}`,
    });
  }
  return frames;
}
