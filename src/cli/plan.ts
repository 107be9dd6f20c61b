/** `pivot plan`: the plan of `run`, as a table for people or as JSON. */

import { isatty } from "node:tty";
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
import { terminalWidth, wrapText } from "./wrap.ts";

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** What a row of the table says, with room for all of it: the operation and the reason below. */
function asParagraph(row: readonly string[], width: number): string {
  const [step = "", by = "", what = "", detail = "", back = "", why = ""] = row;
  const indent = " ".repeat(14);
  const below = (text: string, first = ""): string =>
    wrapText(text, width - indent.length - first.length)
      .map((line, i) => `${indent}${i === 0 ? first : " ".repeat(first.length)}${line}\n`)
      .join("");
  const said = below(what).slice(indent.length);
  return `${step.padEnd(6)}${by.padEnd(8)}${said}${below(`${detail}${back && ` ${back}`}`)}${below(why, "<- ")}`;
}

/**
 * One line for each step: who, what, how, and why. The id is cut as everywhere for people.
 *
 * @param width of the terminal: where the table is wider, its columns stand below each other; null: no
 * terminal, and a line for each step whatever its length
 */
export function printPlan({ steps }: Plan, id: string, width: number | null): string {
  const rows = steps.map(({ by, op, why, undo }, i) => {
    const said = describeOp(op);
    const what = said.what.replaceAll(id, shortId(id));
    const detail = said.detail.replaceAll(id, shortId(id));
    const back = undo === undefined ? "" : "↩";
    return [String(i + 1), by, shorten(what, 60), shorten(detail, 70), back, why];
  });
  const lines = inColumns([["STEP", "BY", "WHAT", "OPERATION", "", "WHY"], ...rows]);
  if (width === null || lines.every((line) => line.length <= width)) return `${lines.join("\n")}\n`;
  const head = "STEP  BY      WHAT, BY WHICH OPERATION, AND <- WHY\n";
  return `${head}${rows.map((row) => asParagraph(row, width)).join("")}`;
}

export async function planCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const format = given.flags.get("format")?.at(-1) ?? "table";
  if (format !== "table" && format !== "json") {
    throw new UsageError(`--format takes table or json, received ${JSON.stringify(format)}`);
  }
  const wish = readRunWish(given, globals, readStreams());
  const { id, plan, warnings, release } = await prepareContainer(wish);
  release();
  const width = isatty(1) ? terminalWidth() : null;
  writeAll(1, format === "json" ? `${planToJson(plan)}\n` : printPlan(plan, id, width));
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  return 0;
}
