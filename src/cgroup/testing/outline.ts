// A plan of cgroups as short lines, for tests.

import type { Op, Place, Step } from "../../plan/op.ts";
import type { Problem } from "../../spec/mod.ts";
import { formatProblem } from "../../spec/problem.ts";
import type { CgroupPlan } from "../plan.ts";

const place = (at: Place | null): string =>
  at === null ? "nowhere" : at.in === "host" ? at.path : `[${at.in}]${at.path}`;

function operation(op: Op): string {
  switch (op.op) {
    case "mkdir":
      return `mkdir ${op.parents ? "-p " : ""}${place(op.at)}`;
    case "write":
      return `${place(op.at)} = ${op.text}`;
    case "open":
      return `open ${place(op.at)} ${op.flags.join(",")} as [${op.into}]`;
    case "device_filter":
      return `device_filter [${op.cgroup}] ${op.program.length / 8} instructions`;
    case "remove_cgroup":
      return `remove_cgroup ${place(op.at)}`;
    default:
      return op.op;
  }
}

const line = ({ by, op, why, undo }: Step): string =>
  `${by}: ${operation(op)}${undo === undefined ? "" : ` / ${operation(undo)}`} (${why})`;

export const outline = (steps: readonly Step[]): string[] => steps.map(line);

/** The plan itself; an error with its problems where there is none. */
export function planned(result: CgroupPlan | Problem[]): CgroupPlan {
  if (Array.isArray(result)) throw new Error(result.map(formatProblem).join("\n"));
  return result;
}

/** What the plan writes to the cgroups' files, by file name: `memory.max = 1`. */
export const written = (result: CgroupPlan | Problem[]): string[] =>
  planned(result).make.flatMap(({ op }) =>
    op.op === "write" ? [`${place(op.at).replace(/.*\//, "")} = ${op.text}`] : [],
  );

/** What stands against the plan, as lines for a person; none where there is a plan. */
export const refusals = (result: CgroupPlan | Problem[]): string[] =>
  Array.isArray(result) ? result.map(formatProblem) : [];
