/**
 * Breaks the sources on purpose, one guard at a time, in a copy of them: for each break, all that is
 * named with it has to fail. What does not says that nobody would notice there if the guard went.
 *
 *   npm run test:mutations [-- --only WORD,WORD…] [--part N/M] [--no-health]
 *
 * The copy, what is built of it, and the tests have namespaces of their own (tools/world.sh): what a
 * broken runtime does is done there. Tests and rows are run without a break first, since one that fails
 * anyway notices nothing; --no-health leaves that out. (Faults and load are left out there: run
 * `test:faults` and `test:load` before.) --part takes each Mth break.
 */

import { parseArgs } from "node:util";
import { mutations } from "./list.ts";
import { editsOf, type Mutation } from "./mutation.ts";
import { type Noticed, notice, type Watchers } from "./notice.ts";
import { Tree } from "./tree.ts";

const { values } = parseArgs({
  options: {
    only: { type: "string", default: "" },
    part: { type: "string", default: "1/1" },
    "no-health": { type: "boolean", default: false },
  },
});
const [part = 1, parts = 1] = values.part.split("/").map(Number);
const chosen = mutations
  .filter(({ name, file }) =>
    values.only.split(",").some((word) => `${file} ${name}`.includes(word)),
  )
  .filter((_, i) => i % parts === part - 1);

/** Whether what notices needs what is built: tests beside the sources run from them. */
const isBuilt = (mutation: Mutation): boolean => {
  const { tests = [], rows = [], faults = [], load = [] } = mutation;
  const isSource = editsOf(mutation).some(({ file }) => !file.startsWith("test/"));
  const needs = rows.length + faults.length + load.length > 0;
  return isSource && (needs || tests.some(([path]) => path.startsWith("test/")));
};

/** What is quick of all that mutations name, without repetitions; faults and load have suites of their own. */
function quickOf(): Watchers {
  const tests = chosen.flatMap((each) => each.tests ?? []);
  return {
    tests: [...new Map(tests.map((each) => [each.join(" "), each])).values()],
    rows: [...new Set(chosen.flatMap((each) => each.rows ?? []))],
  };
}

const since = (begin: number): string => `${Math.round((performance.now() - begin) / 1000)} s`;
const began = performance.now();
const tree = new Tree();
let bad = 0;
try {
  const health = values["no-health"] ? [] : notice(tree.path, quickOf(), "all");
  for (const { what, how } of health.filter(({ isNoticed }) => isNoticed)) {
    console.log(`SICK           ${what} fails without a break:\n               ${how}`);
    bad++;
  }
  console.log(`${health.length} tests and rows without a break: ${since(began)}`);
  for (const mutation of chosen) {
    const begin = performance.now();
    const outcome: Noticed[] | { why: string } = tree.whileBroken(
      editsOf(mutation),
      isBuilt(mutation),
      () => notice(tree.path, mutation),
    );
    const noticed = Array.isArray(outcome) ? outcome : [];
    const blind = noticed.filter(({ isNoticed }) => !isNoticed);
    const is = !Array.isArray(outcome)
      ? "DOES NOT APPLY"
      : blind.length > 0
        ? "SURVIVED"
        : "killed";
    if (is !== "killed") bad++;
    console.log(`${is.padEnd(14)} ${mutation.name} (${mutation.file}, ${since(begin)})`);
    if (!Array.isArray(outcome)) console.log(`               ${outcome.why}`);
    for (const { what, isNoticed, how } of noticed)
      console.log(
        `               ${isNoticed ? "" : "NOT BY "}${what}: ${how.replaceAll("\n", " ").slice(0, isNoticed ? 160 : 600)}`,
      );
  }
  console.log(
    `${chosen.length} breaks in ${since(began)}, ${bad} of them or of their tests are not as they should be`,
  );
  if (bad > 0) process.exitCode = 1;
} finally {
  tree.close();
}
