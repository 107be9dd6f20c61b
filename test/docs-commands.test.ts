// What the documentation tells people to type is what the command line takes.

import { describe, expect, test } from "bun:test";
import { parseArguments } from "../src/cli/arguments.ts";
import { commands, globalFlags } from "../src/cli/commands.ts";
import { namesOf } from "../src/cli/groups.ts";
import { commands as ociCommands } from "../src/oci/commands.ts";
import { globalFlags as ociFlags } from "../src/oci/globals.ts";
import { allBlocks, type Block, commandsOf, shellLines } from "../tools/docs/code-blocks.ts";

/** Words that may stand before a command, and are not the command. */
const before = /^(sudo|exec|time|[A-Za-z_]+=.*)$/;

/** @throws UsageError, or an Error when there is no such command. */
async function check(argv: readonly string[]): Promise<void> {
  const { words, flags } = parseArguments(globalFlags, argv);
  if (flags.has("version") || flags.has("help")) return;
  const used = [2, 1].find((count) => {
    const name = words.slice(0, count).join(" ");
    return commands.some((command) => namesOf(command).includes(name));
  });
  const name = words.slice(0, used ?? 1).join(" ");
  const command = commands.find((each) => namesOf(each).includes(name));
  if (command === undefined) throw new Error(`there is no command ${name}`);
  const order = command.takesCommand === true ? "flags first" : "any";
  parseArguments(
    [...(await command.flags()), { name: "help", help: "" }],
    words.slice(used),
    order,
  );
}

/** The same for the grammar of runc. */
async function checkOci(argv: readonly string[]): Promise<void> {
  const { words } = parseArguments(ociFlags, argv);
  const command = ociCommands.find(({ name }) => name === words[0]);
  if (command === undefined) throw new Error(`there is no command ${words[0]}`);
  parseArguments((await command.flags?.()) ?? [], words.slice(1));
}

const checks: Readonly<Record<string, (argv: readonly string[]) => Promise<void>>> = {
  pivot: check,
  "./pivot": check,
  "pivot-oci": checkOci,
  "./pivot-oci": checkOci,
};

const callsOf = (block: Block): string[][] =>
  shellLines(block)
    .flatMap(commandsOf)
    .map((words) => words.slice(words.findIndex((word) => !before.test(word))))
    .filter(([program = ""]) => Object.hasOwn(checks, program));

const blocks = allBlocks();

test("every command of pivot's in a block of the documentation is one that there is", async () => {
  const wrong: string[] = [];
  let count = 0;
  for (const block of blocks) {
    for (const words of callsOf(block)) {
      count++;
      try {
        await checks[words[0] ?? ""]?.(words.slice(1));
      } catch (error) {
        wrong.push(`${block.path}:${block.line}: ${words.join(" ")}: ${error}`);
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(count).toBeGreaterThan(150);
});

test("what is said to be runnable is a session or a script for mountns", () => {
  const odd = blocks.filter(
    ({ language, words }) => words.includes("runnable") && language !== "console",
  );
  expect(odd.map(({ path, line }) => `${path}:${line}`)).toEqual([]);
});

describe("words of a line of shell", () => {
  const cases: readonly (readonly [string, string[][]])[] = [
    ["pivot run -it --rm busybox sh # a shell", [["pivot", "run", "-it", "--rm", "busybox", "sh"]]],
    [`pivot run x sh -c 'a; b "c"' && d`, [["pivot", "run", "x", "sh", "-c", 'a; b "c"'], ["d"]]],
    ["id=$(./pivot run -d x) | y >z 2>&1", [["id="], ["./pivot", "run", "-d", "x"], ["y"]]],
    ["source <(pivot completion bash)", [["source"], ["pivot", "completion", "bash"]]],
    ["pivot load <a.tar >>log", [["pivot", "load"]]],
  ];
  for (const [line, words] of cases) {
    test(line, () => {
      expect(commandsOf(line)).toEqual(words);
    });
  }

  test("a line that goes on is one", () => {
    const block = { path: "", line: 1, language: "sh", words: [], lines: ["a \\", "  b", "c"] };
    expect(shellLines(block)).toEqual(["a  b", "c"]);
  });
});
