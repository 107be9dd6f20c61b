/** How the help orders the commands, and what it says of those that are but a first word. */

import type { Command } from "./command.ts";

/** What people use most, in this order, as docker has it. */
export const everyday: readonly string[] = [
  "run",
  "plan",
  "try",
  "exec",
  "ps",
  "build",
  "pull",
  "push",
  "images",
  "login",
  "logout",
  "version",
  "info",
];

/** The first words of the commands of two words. */
export const groupSummaries: Readonly<Record<string, string>> = {
  completion: "Print a completion script for a shell",
  container: "Manage containers",
  image: "Manage images",
  network: "Manage networks",
  system: "Manage pivot as a whole",
  volume: "Manage volumes",
};

export const namesOf = ({ name, aliases = [] }: Command): readonly string[] => [name, ...aliases];

/** A command by the second word of its name in a group. */
export type Member = { readonly word: string; readonly command: Command };

const byWord = (a: Member, b: Member): number => (a.word < b.word ? -1 : 1);

/** What stands behind a first word: `ls`, `pull`, `rm` of `image`. One command has one place. */
export function membersOf(commands: readonly Command[], first: string): readonly Member[] {
  return commands
    .filter(({ hidden }) => hidden !== true)
    .flatMap((command) => {
      const name = namesOf(command).find((each) => each.startsWith(`${first} `));
      return name === undefined ? [] : [{ word: name.slice(first.length + 1), command }];
    })
    .sort(byWord);
}

/** The first words that need a second one: sorted. */
export function groupsOf(commands: readonly Command[]): readonly string[] {
  const names = commands.filter(({ hidden }) => hidden !== true).flatMap(namesOf);
  const whole = new Set(names);
  const first = names.filter((each) => each.includes(" ")).map((each) => each.split(" ")[0] ?? "");
  return [...new Set(first)].filter((each) => !whole.has(each)).sort();
}

/** The commands of one word. */
export const topLevel = (commands: readonly Command[]): readonly Member[] =>
  commands
    .filter(({ name, hidden }) => hidden !== true && !name.includes(" "))
    .map((command) => ({ word: command.name, command }))
    .sort(byWord);
