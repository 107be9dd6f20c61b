/** `pivot plan`: the plan of `run`, as a table for people or as JSON. */

import { shortId } from "../container/identity.ts";
import { prepareContainer } from "../container/prepare.ts";
import { readStreams } from "../host/streams.ts";
import { writeAll } from "../host/write.ts";
import { inColumns } from "../plan/columns.ts";
import { describeOp } from "../plan/describe.ts";
import { planToJson } from "../plan/json.ts";
import type { Plan } from "../plan/op.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRunWish } from "./run-wish.ts";

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** One line for each step: who, what, how, and why. The id is cut as everywhere for people. */
export function printPlan({ steps }: Plan, id: string): string {
  const rows = steps.map(({ by, op, why, undo }, i) => {
    const said = describeOp(op);
    const what = said.what.replaceAll(id, shortId(id));
    const detail = said.detail.replaceAll(id, shortId(id));
    const back = undo === undefined ? "" : "↩";
    return [String(i + 1), by, shorten(what, 60), shorten(detail, 70), back, why];
  });
  return `${inColumns([["STEP", "BY", "WHAT", "OPERATION", "", "WHY"], ...rows]).join("\n")}\n`;
}

export async function planCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const format = given.flags.get("format")?.at(-1) ?? "table";
  if (format !== "table" && format !== "json") {
    throw new UsageError(`--format takes table or json, received ${JSON.stringify(format)}`);
  }
  const wish = readRunWish(given, globals, readStreams());
  const { id, plan, warnings, release } = await prepareContainer(wish);
  release();
  writeAll(1, format === "json" ? `${planToJson(plan)}\n` : printPlan(plan, id));
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  return 0;
}
