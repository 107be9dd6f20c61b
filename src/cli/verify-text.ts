/** What `verify` found, for people: the worst first, each with what to do about it. */

import { type Finding, levels } from "../verify/finding.ts";
import { wrapText } from "./wrap.ts";

const indent = (lines: readonly string[], first: string, rest: string): string =>
  lines.map((line, i) => `${i === 0 ? first : rest}${line}`).join("\n");

/** @param width of the terminal */
export function verifyText(findings: readonly Finding[], width: number): string {
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
export const countText = (findings: readonly Finding[]): string =>
  levels
    .map((level) => {
      const count = findings.filter((each) => each.level === level).length;
      return `${count} ${level}${level === "note" && count !== 1 ? "s" : ""}`;
    })
    .join(", ");
