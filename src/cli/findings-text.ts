/** What `verify` and `doctor` found, for people: each with what to do about it. */

import { wrapText } from "./wrap.ts";

export type FindingRow = {
  readonly level: string;
  readonly about: string;
  readonly says: string;
  /** What to do; empty: nothing. */
  readonly cure: string;
};

const indent = (lines: readonly string[], first: string, rest: string): string =>
  lines.map((line, i) => `${i === 0 ? first : rest}${line}`).join("\n");

/** @param width of the terminal */
export function findingsText(findings: readonly FindingRow[], width: number): string {
  const head = ["LEVEL", "ABOUT", "WHAT IS FOUND, AND THE CURE"] as const;
  const levelWidth = head[0].length + 2;
  const aboutWidth = Math.max(head[1].length, ...findings.map(({ about }) => about.length)) + 2;
  const rest = " ".repeat(levelWidth + aboutWidth);
  const room = Math.max(24, width - rest.length);
  const rows = findings.map(({ level, about, says, cure }) => {
    const first = level.toUpperCase().padEnd(levelWidth) + about.padEnd(aboutWidth);
    const said = indent(wrapText(says, room), first, rest);
    if (cure === "") return said;
    return `${said}\n${indent(wrapText(cure, room - 3), `${rest}-> `, `${rest}   `)}`;
  });
  const title = head[0].padEnd(levelWidth) + head[1].padEnd(aboutWidth) + head[2];
  return [title, ...rows, ""].join("\n");
}

/** `1 open, 3 weak, 2 notes, 9 ok`. */
export const countText = (findings: readonly FindingRow[], levels: readonly string[]): string =>
  levels
    .map((level) => {
      const count = findings.filter((each) => each.level === level).length;
      const isPlural = count !== 1 && (level === "note" || level === "lack");
      return `${count} ${level}${isPlural ? "s" : ""}`;
    })
    .join(", ");
