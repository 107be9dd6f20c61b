/** Prints help from the table of commands, in the order and layout of docker's. */

import type { Flag } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commands, globalFlags } from "./commands.ts";
import {
  everyday,
  groupSummaries,
  groupsOf,
  type Member,
  membersOf,
  namesOf,
  topLevel,
} from "./groups.ts";
import { terminalWidth, twoColumns, wrapText } from "./wrap.ts";

const flagRow = ({ name, short, value, help }: Flag): readonly [string, string] => [
  `${short === undefined ? "      " : `  -${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
  help,
];

export const flagLines = (flags: readonly Flag[], width: number = terminalWidth()): string =>
  twoColumns([...flags].sort((a, b) => (a.name < b.name ? -1 : 1)).map(flagRow), width);

const section = (title: string, lines: string): string =>
  lines === "" ? "" : `\n${title}:\n${lines}`;

/** `pivot --help`. */
export function generalHelp(
  table: readonly Command[] = commands,
  width: number = terminalWidth(),
): string {
  const all = topLevel(table);
  const common = everyday.flatMap((name) => all.filter(({ word }) => word === name));
  const groups = groupsOf(table);
  const widest = Math.max(...[...all.map(({ word }) => word), ...groups].map((w) => w.length));
  const lines = (rows: readonly (readonly [string, string])[]): string =>
    twoColumns(
      rows.map(([word, text]) => [`  ${word.padEnd(widest)}`, text]),
      width,
    );
  const summaries = (members: readonly Member[]): string =>
    lines(members.map(({ word, command }) => [word, command.summary]));
  const management = groups.map((name) => [name, groupSummaries[name] ?? ""] as const);
  return `Usage:  pivot [OPTIONS] COMMAND

A container runtime: plans every step, shows the plan, and carries it out
${section("Common Commands", summaries(common))}${section("Management Commands", lines(management))}${section(
  "Commands",
  summaries(all.filter((each) => !common.includes(each))),
)}${section("Global Options", flagLines(globalFlags, width))}
Run 'pivot COMMAND --help' for more information on a command.
`;
}

/** `pivot image --help`: of a first word that is no command by itself. */
export function groupHelp(
  group: string,
  table: readonly Command[] = commands,
  width: number = terminalWidth(),
): string {
  return `Usage:  pivot ${group} COMMAND

${groupSummaries[group] ?? ""}
${section("Commands", memberLines(membersOf(table, group), width))}
Run 'pivot ${group} COMMAND --help' for more information on a command.
`;
}

const memberLines = (members: readonly Member[], width: number): string =>
  twoColumns(
    members.map(({ word, command }) => [`  ${word}`, command.summary]),
    width,
  );

/** `pivot COMMAND --help`. */
export function commandHelp(
  command: Command,
  flags: readonly Flag[],
  width: number = terminalWidth(),
  table: readonly Command[] = commands,
): string {
  const { name, usage, summary, about } = command;
  const names = [...namesOf(command)].sort().map((each) => `pivot ${each}`);
  const aliases = names.length > 1 ? section("Aliases", `  ${names.join(", ")}\n`) : "";
  // Of `try`, which is a command and has others: `try diff`.
  const members = membersOf(table, name);
  const more = about === undefined ? "" : `\n${wrapText(about, width).join("\n")}\n`;
  return `Usage:  ${usage}

${wrapText(summary, width).join("\n")}
${more}${aliases}${section("Commands", memberLines(members, width))}${section("Options", flagLines(flags, width))}`;
}
