/** Prints help from the table of commands. */

import type { Flag } from "./arguments.ts";
import type { Command } from "./command.ts";
import { commands, globalFlags } from "./commands.ts";

const column = 30;

function flagLine({ name, short, value, help }: Flag): string {
  const names = `${short === undefined ? "    " : `-${short}, `}--${name}`;
  const left = `  ${names}${value === undefined ? "" : ` ${value}`}`;
  const gap =
    left.length + 2 > column ? `\n${" ".repeat(column)}` : " ".repeat(column - left.length);
  return `${left}${gap}${help}\n`;
}

export const flagLines = (flags: readonly Flag[]): string =>
  [...flags]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(flagLine)
    .join("");

/** `pivot --help`. */
export function generalHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`).join("");
  return `Usage: pivot [OPTIONS] COMMAND

A container runtime: plans every step, shows the plan, and carries it out.

Commands:
${lines}
Options:
${flagLines(globalFlags)}
\`pivot COMMAND --help\` says more about a command.
`;
}

/** `pivot COMMAND --help`. */
export function commandHelp({ usage, summary, about }: Command, flags: readonly Flag[]): string {
  const more = about === undefined ? "" : `\n${about}\n`;
  const options = flags.length === 0 ? "" : `\nOptions:\n${flagLines(flags)}`;
  return `Usage: ${usage}\n\n${summary}\n${more}${options}`;
}
