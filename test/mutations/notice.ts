// Whether the tests of a tree notice that something is wrong with it.

import { spawnSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Faults, Mutation } from "./mutation.ts";

export type Noticed = {
  /** What noticed it, or did not. */
  readonly what: string;
  readonly isNoticed: boolean;
  /** In a line or several. */
  readonly how: string;
};

const quoted = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** A program of the tree; killed when it does not end. */
function run(
  tree: string,
  words: readonly string[],
  seconds: number,
  env: Readonly<Record<string, string>> = {},
): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [...words], {
    cwd: tree,
    encoding: "utf8",
    timeout: seconds * 1000,
    killSignal: "SIGKILL",
    maxBuffer: 64 << 20,
    env: { ...process.env, PIVOT_NETWORK: "none", ...env },
  });
  return { status, said: `${stdout}${stderr}` };
}

function byTest(tree: string, [file, name]: readonly [string, string?]): Noticed {
  const named = name === undefined ? [] : ["-t", quoted(name)];
  const words = ["test", "--timeout", "60000", ...named, `./${file}`];
  const { status, said } = run(tree, words, 180);
  const what = `${file}${name === undefined ? "" : ` ${name}`}`;
  if (status === 0 && !/^\s*[1-9]\d* pass$/m.test(said))
    return { what, isNoticed: true, how: `no test was run: ${said}` };
  const failed = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(said)?.[1];
  return { what, isNoticed: status !== 0, how: failed ?? said.slice(-2000) };
}

function byRows(tree: string, rows: readonly string[]): Noticed[] {
  if (rows.length === 0) return [];
  const words = ["test/security/run.ts", ...rows.flatMap((row) => ["--row", row])];
  const { said } = run(tree, words, 120 + rows.length * 30);
  return rows.map((row) => {
    const [, result, , how = ""] =
      new RegExp(`^(HOLDS|BROKEN|NOT APPLICABLE) +${quoted(row)} ([^\n]*)\n *([^\n]*)$`, "m").exec(
        said,
      ) ?? [];
    // A row that could not be tried has not seen anything.
    const isNoticed = result === "BROKEN" && !how.startsWith("the row itself fails");
    return { what: row, isNoticed, how: result === undefined ? said.slice(-2000) : how };
  });
}

function byFaults(tree: string, { file, tests, rounds = 12 }: Faults): Noticed[] {
  const pattern = `\\) (${tests.map(quoted).join("|")})$`;
  const words = ["test", "--timeout", "300000", "-t", pattern, `./test/faults/${file}.faults.ts`];
  const { said } = run(tree, words, 120 + tests.length * 60, {
    PIVOT_FAULTS: String(rounds),
    PIVOT_FAULTS_FIRST: "1",
  });
  return tests.map((name) => {
    const line = new RegExp(`^\\((pass|fail)\\) [^>]*> ${quoted(name)} \\[`, "m").exec(said);
    const isNoticed = line?.[1] === "fail";
    const finding = /^\+ {3}"(.*)",$/m.exec(
      said
        .slice(0, line?.index)
        .split(/^\((?:pass|fail)\)/m)
        .at(-1) ?? "",
    );
    const how = line === null ? said.slice(-2000) : (finding?.[1] ?? line[0]);
    return { what: `${file}: ${name}`, isNoticed, how: how.slice(0, 300) };
  });
}

/** A check as mutations name it: its numbers are N. */
export const checkName = (what: string): string => what.replaceAll(/\d+/g, "N").trim();

function byLoad(tree: string, checks: readonly string[]): Noticed[] {
  if (checks.length === 0) return [];
  const needs = (words: RegExp): boolean => checks.some((check) => words.test(check));
  const sizes = {
    runs: needs(/in sequence|left/) ? 20 : 0,
    "at-once": needs(/at once/) ? 6 : 0,
    alive: needs(/together|beside|takes/) ? 4 : 0,
    crowd: needs(/commands/) ? 64 : 0,
    rounds: 3,
  };
  const flags = Object.entries(sizes).flatMap(([name, size]) => [`--${name}`, String(size)]);
  // What a broken start has left is in nobody's way.
  const world = mkdtempSync(`${process.env["PIVOT_WORLD"] ?? tmpdir()}/load-`);
  const { said } = run(tree, ["test/load/run.ts", ...flags], 600, { PIVOT_WORLD: world });
  const rows = said
    .split("\n")
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .filter((cells) => cells.length === 5);
  return checks.map((check) => {
    const all = rows.filter(([, what = ""]) => checkName(what) === check);
    const bad = all.find(([, , , isGood]) => isGood === "no");
    const how = all.length === 0 ? `it was not made: ${said.slice(-2000)}` : (bad ?? all[0])?.[2];
    return { what: `load: ${check}`, isNoticed: bad !== undefined, how: how ?? "" };
  });
}

/** What may notice something. */
export type Watchers = Pick<Mutation, "tests" | "rows" | "faults" | "load">;

/**
 * Whatever a mutation says will notice it.
 *
 * @param which of the tests: up to the first that does, which is enough, or all of them
 */
export function notice(
  tree: string,
  { tests = [], rows = [], faults = [], load = [] }: Watchers,
  which: "first" | "all" = "first",
): Noticed[] {
  const byTests: Noticed[] = [];
  for (const test of tests) {
    byTests.push(byTest(tree, test));
    if (which === "first" && byTests.at(-1)?.isNoticed === true) break;
  }
  return [
    ...(which === "first" ? byTests.slice(-1) : byTests),
    ...byRows(tree, rows),
    ...faults.flatMap((each) => byFaults(tree, each)),
    ...byLoad(tree, load),
  ];
}
