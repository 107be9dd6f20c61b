// The table of docs/security.md: what held, side by side.

import { readFileSync, writeFileSync } from "node:fs";
import type { Outcome } from "./outcome.ts";

export type Line = {
  readonly ids: readonly string[];
  readonly title: string;
  readonly tried: string;
  /** By column; absent: not tried on it. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
};

const begin = "<!-- begin: made by `npm run test:security -- --write` -->";
const end = "<!-- end -->";

const cell = (text: string): string =>
  text.replaceAll("|", "\\|").replaceAll(/\s+/g, " ").replaceAll(/[<>]/g, "").trim();

/** Paths of the machine that it was tried on say nothing. */
const withoutPaths = (text: string): string =>
  text
    .replaceAll(/\/tmp\/\S*\/(outside|shown|root|volume)-\d+/g, "$1")
    .replaceAll(/\b\d{10,}\.\d+/g, "…");

function words(outcome: Outcome | undefined): string {
  if (outcome === undefined) return "";
  if (outcome.result === "holds") return "holds";
  if (outcome.result === "broken")
    return `**broken**: ${cell(withoutPaths(outcome.what)).slice(0, 90)}`;
  return `–: ${cell(withoutPaths(outcome.why)).slice(0, 110)}`;
}

/** @param before the page as it was: a row that was not tried now keeps its line */
const table = (
  lines: readonly Line[],
  columns: readonly string[],
  before: readonly string[],
): string[] => [
  `| advisories | what went wrong there; what is tried | ${columns.join(" | ")} |`,
  `|---|---|${columns.map(() => "---|").join("")}`,
  ...lines.map(({ ids, title, tried, outcomes }) => {
    const was = before.find((line) => line.startsWith(`| ${ids.join(", ")} |`));
    if (outcomes.size === 0 && was !== undefined) return was;
    const cells = columns.map((column) => words(outcomes.get(column)));
    return `| ${ids.join(", ")} | ${cell(title)}. *${cell(tried)}* | ${cells.join(" | ")} |`;
  }),
];

/** Puts the tables into a page, between the marks. */
export function writeTables(
  path: string,
  runtimes: { readonly lines: readonly Line[]; readonly columns: readonly string[] },
  engine: readonly Line[],
): void {
  const page = readFileSync(path, "utf8");
  const [before, rest] = page.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined)
    throw new Error(`${path} has no place for tables`);
  const made = [
    begin,
    "",
    "**The runtime**",
    "",
    ...table(runtimes.lines, runtimes.columns, page.split("\n")),
    "",
    "**The engine**",
    "",
    ...table(engine, ["pivot"], page.split("\n")),
    "",
    end,
  ];
  writeFileSync(path, before + made.join("\n") + after);
}
