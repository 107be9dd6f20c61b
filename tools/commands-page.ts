/** The table of commands as pages: docs/reference/commands, one each, and one that lists them. */

import type { Flag } from "../src/cli/arguments.ts";
import type { Command } from "../src/cli/command.ts";
import { commands, globalFlags } from "../src/cli/commands.ts";
import { groupSummaries, namesOf } from "../src/cli/groups.ts";
import { buildCommands } from "../src/cli/tables/build.ts";
import { containerCommands } from "../src/cli/tables/container.ts";
import { imageCommands } from "../src/cli/tables/image.ts";
import { learnCommands } from "../src/cli/tables/learn.ts";
import { networkCommands } from "../src/cli/tables/network.ts";
import { registryCommands } from "../src/cli/tables/registry.ts";
import { transferCommands } from "../src/cli/tables/transfer.ts";
import { tryCommands } from "../src/cli/tables/try.ts";
import { volumeCommands } from "../src/cli/tables/volume.ts";

/** Outside of code, what Markdown or HTML would take for its own. */
const escape = (text: string): string => text.replace(/[|<>*[\]\\]/g, "\\$&");

/** Code in backticks keeps its own. */
const prose = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part.replaceAll("|", "\\|") : escape(part)))
    .join("");

/** What a block of lines is written in: a shell's, or nothing in particular. */
const languageOf = (block: readonly string[]): string =>
  block.some((line) => /^(\w+ <)?\(?(pivot|source|tar|echo|mount) /.test(line)) ? "sh" : "text";

/** Lines that are indented are examples; the others flow. */
function about(text: string): string[] {
  const lines: string[] = [];
  let block: string[] = [];
  const close = (): void => {
    if (block.length === 0) return;
    // Empty lines at its end are outside of it.
    const end = block.findLastIndex((line) => line !== "") + 1;
    const code = block.slice(0, end);
    lines.push(`\`\`\`${languageOf(code)}`, ...code, "```", ...block.slice(end));
    block = [];
  };
  for (const line of text.split("\n")) {
    if (line.startsWith("  ") || (line === "" && block.length > 0)) {
      block.push(line.slice(2));
      continue;
    }
    close();
    lines.push(prose(line));
  }
  close();
  return lines;
}

const flagRow = ({ name, short, value, help }: Flag): string => {
  const names = `${short === undefined ? "" : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
  return `| \`${names.replaceAll("|", "\\|")}\` | ${prose(help)} |`;
};

const table = (flags: readonly Flag[]): string[] =>
  flags.length === 0
    ? []
    : ["| option | what it does |", "|---|---|", ...[...flags].sort(byName).map(flagRow)];

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : 1;

/** Which guide shows the commands of a table at work. */
const guides: readonly (readonly [readonly Command[], string, string])[] = [
  [[...containerCommands, ...transferCommands, ...volumeCommands], "engine", "the engine"],
  [[...imageCommands, ...registryCommands, ...buildCommands], "images", "images"],
  [networkCommands, "networks", "networks"],
  [tryCommands, "try", "views of the host"],
  [learnCommands, "look-inside", "looking inside"],
];

function guideLine(command: Command): string[] {
  const [, file, title] = guides.find(([shown]) => shown.includes(command)) ?? [];
  return file === undefined
    ? []
    : ["", `At work in the guide to [${title}](../../guides/${file}.md).`];
}

const note = "<!-- Made by `npm run docs:catalogue` from the tables in src/cli/tables. -->";

const fileOf = ({ name }: Command): string => `${name.replaceAll(" ", "-")}.md`;

async function page(command: Command): Promise<string> {
  const others = namesOf(command).slice(1);
  const flags = table(await command.flags());
  return `${[
    `# ${command.name}`,
    "",
    note,
    "",
    `${prose(command.summary)}.`,
    "",
    "```",
    ...command.usage.split("\n").map((line) => line.trim()),
    "```",
    ...(others.length === 0
      ? []
      : ["", `Also ${others.map((name) => `\`pivot ${name}\``).join(", ")}.`]),
    ...(command.about === undefined ? [] : ["", ...about(command.about)]),
    ...guideLine(command),
    ...(flags.length === 0 ? [] : ["", "## Options", "", ...flags]),
  ].join("\n")}\n`;
}

const listRow = (command: Command): string =>
  `| [\`${command.name}\`](${fileOf(command)}) | ${prose(command.summary)} |`;

/** Commands of one word, and then each group. */
function list(shown: readonly Command[]): string[] {
  const groupOf = ({ name }: Command): string =>
    name.includes(" ") ? (name.split(" ")[0] ?? "") : "";
  const groups = [...new Set(shown.map(groupOf))].sort();
  return groups.flatMap((group) => [
    "",
    ...(group === "" ? [] : [`## ${group}`, "", `${prose(groupSummaries[group] ?? "")}.`, ""]),
    "| command | what it does |",
    "|---|---|",
    ...shown.filter((each) => groupOf(each) === group).map(listRow),
  ]);
}

const index = (shown: readonly Command[]): string =>
  `${[
    "# Commands",
    "",
    note,
    "",
    "`pivot COMMAND --help` says the same. What docker has goes by docker's names, flags and columns.",
    "",
    "These options stand before the command:",
    "",
    ...table(globalFlags),
    ...list(shown),
  ].join("\n")}\n`;

/** By their names in docs/reference/commands. */
export async function commandPages(): Promise<Readonly<Record<string, string>>> {
  const shown = commands.filter(({ hidden }) => hidden !== true).sort(byName);
  const pages = await Promise.all(
    shown.map(async (command): Promise<[string, string]> => [fileOf(command), await page(command)]),
  );
  return { "index.md": index(shown), ...Object.fromEntries(pages) };
}
