// Lets the validation programs meet the runtime under test and its peers, and says what came of it.
//
//   run.ts [--no-peers] [--keep DIR] [PROGRAM...]
//
// --no-peers runs the runtime under test alone; --keep leaves in DIR what each program printed.

import { accessSync, constants, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { expectationOf } from "./expectations.ts";
import { sharesCgroups, triesOf } from "./programs.ts";
import { outcomeOf, type Row, table, tally } from "./report.ts";
import { type Ended, judge, type Verdict } from "./verdict.ts";
import { meet, type Runtime } from "./workplace.ts";

const root = new URL("../../", import.meta.url).pathname;
const programs = `${root}build/conformance/programs`;

function runtimeUnderTest(): Runtime {
  const named = process.env["PIVOT_TEST_RUNTIME"] ?? `${root}pivot-oci`;
  const path = named.includes("/") ? resolve(named) : Bun.which(named);
  if (path === null || !isAbsolute(path) || !existsSync(path)) {
    throw new Error(
      `the runtime under test is not there: ${named}; name one in PIVOT_TEST_RUNTIME`,
    );
  }
  accessSync(path, constants.X_OK);
  return { name: path.startsWith(root) ? "pivot" : (path.split("/").at(-1) ?? path), path };
}

/** In the order of the table; the runtime under test is no peer of itself. */
const peersOf = (tested: Runtime): Runtime[] =>
  ["runc", "crun"].flatMap((name) => {
    const path = Bun.which(name);
    return path === null || path === tested.path ? [] : [{ name, path }];
  });

/** Words that follow the options, and the options. */
function readArguments(words: readonly string[]) {
  const names: string[] = [];
  let [peers, keep] = [true, ""];
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? "";
    if (word === "--no-peers") peers = false;
    else if (word === "--keep") keep = resolve(words[++i] ?? "");
    else if (word.startsWith("-")) throw new Error(`unknown option ${word}`);
    else names.push(word);
  }
  return { names, peers, keep };
}

function chosen(names: readonly string[]): string[] {
  const all = readdirSync(programs).sort();
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0)
    throw new Error(`no such program: ${unknown.join(", ")}; see ${programs}`);
  return names.length > 0 ? [...names] : all;
}

async function main(): Promise<void> {
  const { names, peers, keep } = readArguments(process.argv.slice(2));
  const tested = runtimeUnderTest();
  const runtimes = [...(peers ? peersOf(tested) : []), tested];
  const rows = new Map<string, Row>();

  const takeOne = async (program: string): Promise<void> => {
    const verdicts = new Map<string, Verdict>();
    for (const runtime of runtimes) {
      let ended = await meet(program, runtime);
      let verdict = judge(program, ended);
      for (let tries = 1; !verdict.passed && tries < triesOf(program); tries++) {
        ended = await meet(program, runtime);
        verdict = judge(program, ended);
      }
      verdicts.set(runtime.name, verdict);
      if (keep !== "") keepOutput(`${keep}/${program}.${runtime.name}`, verdict, ended);
    }
    const row = { program, verdicts, expectation: expectationOf(program) };
    rows.set(program, row);
    console.log(outcomeOf(row, tested.name).line);
  };
  // Most of the time the programs sleep between two looks at a container.
  const list = chosen(names);
  const free = list.filter((name) => !sharesCgroups(name));
  const lanes = [list.filter(sharesCgroups), free, free];
  if (keep !== "") mkdirSync(keep, { recursive: true });
  await Promise.all(
    lanes.map(async (lane) => {
      for (let name = lane.shift(); name !== undefined; name = lane.shift()) await takeOne(name);
    }),
  );

  const inOrder = [...rows.values()].sort((a, b) => (a.program < b.program ? -1 : 1));
  const columns = runtimes.map(({ name }) => name);
  console.log(`\n${table(inOrder, columns)}\n`);
  const { line, failed } = tally(inOrder, tested.name);
  console.log(line);
  process.exitCode = failed > 0 || inOrder.length === 0 ? 1 : 0;
}

function keepOutput(path: string, { passed, why }: Verdict, { stdout, stderr }: Ended): void {
  writeFileSync(path, `${passed ? "passed" : why}\n--- output\n${stdout}--- errors\n${stderr}`);
}

try {
  await main();
} catch (error) {
  console.error(`pivot: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
