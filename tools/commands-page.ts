/** The table of commands as a page: docs/reference/commands.md. */

import type { Flag } from "../src/cli/arguments.ts";
import type { Command } from "../src/cli/command.ts";
import { commands, globalFlags } from "../src/cli/commands.ts";
import { namesOf } from "../src/cli/groups.ts";

/** Outside of code, what Markdown or HTML would take for its own. */
const escape = (text: string): string => text.replace(/[|<>*[\]\\]/g, "\\$&");

/** Code in backticks keeps its own. */
const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part.replaceAll("|", "\\|") : escape(part)))
    .join("");

/** Lines that are indented are examples; the others flow. */
function about(text: string): string[] {
  const lines: string[] = [];
  let isCode = false;
  for (const line of text.split("\n")) {
    const indented = line.startsWith("  ");
    if (indented !== isCode && line !== "") {
      // What ends a fence stands before the empty line.
      if (indented) lines.push("```sh");
      else lines.splice(lines.at(-1) === "" ? -1 : lines.length, 0, "```");
      isCode = indented;
    }
    lines.push(indented ? line.slice(2) : prose(line));
  }
  return isCode ? [...lines, "```"] : lines;
}

const flagRow = ({ name, short, value, help }: Flag): string => {
  const names = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
  return `| \`${names.replaceAll("|", "\\|")}\` | ${prose(help)} |`;
};

const table = (flags: readonly Flag[]): string[] =>
  flags.length === 0
    ? []
    : [
        "",
        "| option | |",
        "|---|---|",
        ...[...flags].sort((a, b) => (a.name < b.name ? -1 : 1)).map(flagRow),
      ];

async function section(command: Command): Promise<string[]> {
  const others = namesOf(command).slice(1);
  return [
    "",
    `## ${command.name}`,
    "",
    `${prose(command.summary)}.`,
    "",
    "```",
    command.usage,
    "```",
    ...(others.length === 0
      ? []
      : ["", `Also ${others.map((name) => `\`pivot ${name}\``).join(", ")}.`]),
    ...(command.about === undefined ? [] : ["", ...about(command.about)]),
    ...table(await command.flags()),
  ];
}

export async function commandsPage(): Promise<string> {
  const shown = commands.filter(({ hidden }) => hidden !== true);
  const sorted = [...shown].sort((a, b) => (a.name < b.name ? -1 : 1));
  const sections = await Promise.all(sorted.map(section));
  return `${[
    "# Commands",
    "",
    "<!-- Made by `npm run docs:catalogue` from the tables in src/cli/tables. -->",
    "",
    "`pivot COMMAND --help` says the same.",
    "",
    "These options stand before the command:",
    ...table(globalFlags),
    ...sections.flat(),
  ].join("\n")}\n`;
}
