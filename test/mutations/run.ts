/**
 * Breaks the sources on purpose, one guard at a time, in a copy of them: for each break a test has
 * to fail. One that survives says that nobody would notice if the guard went.
 *
 *   npm run test:mutations [-- --only WORD,WORD…]
 *
 * The copy, what is built of it, and the tests have namespaces of their own (tools/world.sh): what a
 * broken runtime does is done there. The tests are run without a break first: a test that fails
 * anyway kills nothing.
 */

import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { mutations } from "./list.ts";
import type { Mutation } from "./mutation.ts";

const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const source = new URL("../../", import.meta.url).pathname;
const chosen = mutations.filter(({ name, file }) =>
  values.only.split(",").some((word) => `${file} ${name}`.includes(word)),
);

/** A copy of all that is built and tested; times are kept, so that nothing is built that is. */
function copyTree(): string {
  const copy = mkdtempSync(`${realpathSync(tmpdir())}/mutations-`);
  const kept = ["src", "native", "tools", "test", "docs", "web", "bench", "build"];
  const files = ["package.json", "package-lock.json", "tsconfig.json", "pivot", "pivot-oci"];
  for (const name of [...kept, ...files, "README.md", "ARCHITECTURE.md"]) {
    cpSync(`${source}${name}`, `${copy}/${name}`, {
      recursive: true,
      preserveTimestamps: true,
      verbatimSymlinks: true,
      filter: (path) => !/\/(node_modules|build\/(engine|bench)[^/]*)(\/|$)/.test(path),
    });
  }
  symlinkSync(`${source}node_modules`, `${copy}/node_modules`);
  return copy;
}

const copy = copyTree();

/** Builds the copy; why it could not. */
function build(): string | null {
  const { status, stderr } = spawnSync("tools/setup.sh", [], { cwd: copy, encoding: "utf8" });
  return status === 0 ? null : stderr;
}

/** Runs one file's tests; its report when one failed. */
function fails([file, name]: Mutation["tests"][number]): string | null {
  const escaped = name?.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const words = ["test", "--timeout", "60000", ...(escaped === undefined ? [] : ["-t", escaped])];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...words, `./${file}`], {
    cwd: copy,
    encoding: "utf8",
    timeout: 180_000,
    killSignal: "SIGKILL",
    env: { ...process.env, PIVOT_NETWORK: "none" },
  });
  const said = `${stdout}${stderr}`;
  if (status === 0 && !/^\s*[1-9]\d* pass$/m.test(said)) return `no test was run: ${said}`;
  return status === 0 ? null : said;
}

/** Whether the tests need what is built: those beside the sources run from them. */
const isBuilt = ({ tests, file }: Mutation): boolean =>
  tests.some(([path]) => path.startsWith("test/")) && !file.startsWith("test/");

type Verdict = { readonly is: "killed" | "SURVIVED" | "DOES NOT APPLY"; readonly by: string };

function verdictOf(mutation: Mutation): Verdict {
  const path = `${copy}/${mutation.file}`;
  const text = readFileSync(path, "utf8");
  let broken = text;
  for (const { find, replace } of [
    mutation,
    ...(mutation.and === undefined ? [] : [mutation.and]),
  ]) {
    if (broken.split(find).length !== 2) {
      return { is: "DOES NOT APPLY", by: `what it looks for is not in ${mutation.file} once` };
    }
    broken = broken.replace(find, () => replace);
  }
  writeFileSync(path, broken);
  try {
    const problem = isBuilt(mutation) ? build() : null;
    if (problem !== null) return { is: "DOES NOT APPLY", by: `it cannot be built: ${problem}` };
    for (const test of mutation.tests) {
      const said = fails(test);
      if (said !== null) {
        const failed = /^\(fail\) (.*?)(?: \[[\d.]+m?s\])?$/m.exec(said)?.[1];
        return { is: "killed", by: `${test[0]}: ${failed ?? "it does not end"}` };
      }
    }
    return { is: "SURVIVED", by: mutation.tests.map(([file]) => file).join(", ") };
  } finally {
    writeFileSync(path, text);
  }
}

try {
  const tests = new Map(chosen.flatMap((each) => each.tests.map((test) => [test.join(" "), test])));
  const built = build();
  if (built !== null) throw new Error(`the copy cannot be built: ${built}`);
  const sick = [...tests.values()].flatMap((test) => {
    const said = fails(test);
    return said === null ? [] : [`${test.join(" ")} fails without a break:\n${said.slice(-2000)}`];
  });
  for (const line of sick) console.log(line);
  let bad = sick.length;
  for (const mutation of chosen) {
    const begin = performance.now();
    const { is, by } = verdictOf(mutation);
    if (is !== "killed") bad++;
    const seconds = Math.round((performance.now() - begin) / 1000);
    console.log(
      `${is.padEnd(14)} ${mutation.name} (${mutation.file}, ${seconds} s)\n               ${by}`,
    );
  }
  console.log(
    `${chosen.length} breaks, ${bad} of them or of their tests are not as they should be`,
  );
  if (bad > 0) process.exitCode = 1;
} finally {
  rmSync(copy, { recursive: true, force: true });
}
