// Every command of the table can be found, and says what it is for.

import { describe, expect, test } from "bun:test";
import type { Command } from "../src/cli/command.ts";
import { commands, globalFlags } from "../src/cli/commands.ts";
import { everyday, groupSummaries, groupsOf, namesOf } from "../src/cli/groups.ts";
import { commandHelp, generalHelp, groupHelp } from "../src/cli/help.ts";
import { wrapText } from "../src/cli/wrap.ts";

const width = 80;

const tooWide = (text: string): string[] =>
  text.split("\n").filter((line) => line.length > width && /\S\s+\S/.test(line.slice(width / 2)));

describe("the table of commands", () => {
  test("names and aliases are each of one command", () => {
    const names = commands.flatMap(namesOf);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
    expect(names.filter((name) => !/^[a-z]+( [a-z]+)?$/.test(name))).toEqual([]);
  });

  test("each group has a summary, and each summary a group or one to come", () => {
    expect(groupsOf(commands).filter((group) => groupSummaries[group] === undefined)).toEqual([]);
    for (const group of groupsOf(commands)) {
      expect(groupHelp(group, commands, width)).toStartWith(`Usage:  pivot ${group} COMMAND\n`);
    }
  });

  for (const command of commands) {
    test(`pivot ${command.name} --help`, async () => {
      const flags = await command.flags();
      const help = commandHelp(command, flags, width);
      expect(command.usage).toStartWith(`pivot ${command.name}`);
      expect(command.usage.includes("[OPTIONS]")).toBe(flags.length > 0);
      expect(command.summary).toMatch(/^[A-Z].*[^.]$/);
      const summary = wrapText(command.summary, width).join("\n");
      expect(help).toContain(`Usage:  ${command.usage}\n\n${summary}\n`);
      // Examples, too: what stands as it was written was written for a terminal.
      const beyond = help.split("\n").filter((line) => line.length > width);
      expect(beyond.filter((line) => line !== `Usage:  ${command.usage}`)).toEqual([]);
      const all = flags.flatMap(({ name, aliases = [] }) => [name, ...aliases]);
      expect(all.filter((name, i) => all.indexOf(name) !== i)).toEqual([]);
      const letters = flags.flatMap(({ short }) => short ?? []);
      expect(letters.filter((letter, i) => letters.indexOf(letter) !== i)).toEqual([]);
      expect(flags.filter(({ help: text }) => text === "" || text.endsWith("."))).toEqual([]);
      for (const { name } of flags) expect(help).toContain(`--${name}`);
    });
  }
});

const made = (name: string, more: Partial<Command> = {}): Command => ({
  name,
  usage: `pivot ${name}`,
  summary: `Do ${name}`,
  flags: async () => [],
  run: async () => () => 0,
  ...more,
});

test("docker's order: what is common, groups, the rest", () => {
  const table = [
    made("zap"),
    made("images", { aliases: ["image ls"] }),
    made("run", { aliases: ["container run"] }),
    made("image prune"),
    made("secret", { hidden: true }),
  ];
  expect(everyday.indexOf("run")).toBeLessThan(everyday.indexOf("images"));
  const help = generalHelp(table, width);
  const [, before = ""] = /OPTIONS\] COMMAND\n\n.*\n\n([^]*)\nGlobal Options:/.exec(help) ?? [];
  expect(before).toBe(`Common Commands:
  run        Do run
  images     Do images

Management Commands:
  container  Manage containers
  image      Manage images

Commands:
  zap        Do zap
`);
  expect(groupHelp("image", table, width)).toContain(
    "\nCommands:\n  ls     Do images\n  prune  Do image prune\n",
  );
  expect(tooWide(generalHelp(commands, width))).toEqual([]);
  for (const { name } of globalFlags) expect(help).toContain(`--${name}`);
});

test("text flows and is wrapped at blanks; what is indented stays as it is", () => {
  expect(wrapText("one two three", 8)).toEqual(["one two", "three"]);
  expect(wrapText("a  b\nincomprehensible word", 10)).toEqual(["a  b", "incomprehensible", "word"]);
  expect(wrapText("one\ntwo\n\n  an  example which is long\nthree\nfour", 9)).toEqual([
    "one two",
    "",
    "  an  example which is long",
    "three",
    "four",
  ]);
  expect(wrapText("", 10)).toEqual([""]);
});
