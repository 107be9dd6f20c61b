/** House rules, each with what to do instead. */

import { expect, test } from "bun:test";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { version } from "../src/version.ts";

const root = new URL("..", import.meta.url).pathname;

function filesBelow(directory: string): string[] {
  return readdirSync(`${root}${directory}`).flatMap((name) => {
    const path = `${directory}/${name}`;
    return statSync(`${root}${path}`).isDirectory() ? filesBelow(path) : [path];
  });
}

const folders = "src test tools bench native web/src web/test website/src website/test".split(" ");
const sources = folders.flatMap(filesBelow);
const typescript = sources.filter((path) => /\.tsx?$/.test(path));
const read = (path: string): string => readFileSync(root + path, "utf8");

/** The files that match, with the line. */
function findings(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) =>
    read(path)
      .split("\n")
      .flatMap((line, i) => (pattern.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [])),
  );
}

const withoutThisFile = (paths: readonly string[]) =>
  paths.filter((path) => path !== "test/house.test.ts");

test("names say what a thing is: no utils, helpers, common, manager", () => {
  const vague = sources.filter((path) =>
    /(^|[/.-])(utils?|helpers?|common|manager|misc)\b/.test(path),
  );
  expect(vague).toEqual([]);
});

test("no default exports: import a name that can be searched for", () => {
  expect(findings(typescript, /^export default/)).toEqual([]);
});

test("no process.exit: set process.exitCode, so that pipes are written to their end", () => {
  const found = findings(withoutThisFile(typescript), /\bprocess\.exit\(/);
  expect(found.filter((line) => line.startsWith("src/"))).toEqual([]);
});

test("no console in src: writeAll writes the whole of it, whatever reads", () => {
  const found = findings(withoutThisFile(typescript), /\bconsole\./);
  expect(found.filter((line) => /^src\/(?!.*(test|\*))/.test(line) && !/\s\*/.test(line))).toEqual(
    [],
  );
});

test("pure folders import nothing of Node or Bun", () => {
  const pure = typescript.filter(
    (path) =>
      /^src\/(plan|spec|planner|cgroup|options|seccomp|simulator|explain|users)\//.test(path) &&
      !/\.test\.ts$|\/testing\//.test(path),
  );
  expect(findings(pure, /^(import|export|\} from).*"(node:|bun)/)).toEqual([]);
});

test("nothing is skipped without a reason in words", () => {
  const tests = withoutThisFile(typescript).filter((path) => path.endsWith(".test.ts"));
  expect(findings(tests, /\b(test|describe|it)\.(skip|todo|only)\(/)).toEqual([]);
});

test("C keeps to bounded string functions", () => {
  const c = sources.filter((path) => /\.[ch]$/.test(path));
  expect(findings(c, /\b(sprintf|strcat|gets|system|popen|alloca)\(/)).toEqual([]);
});

/** The catalogue is one table, which a reader looks things up in. */
const mayBeLong = new Set(["src/plan/catalogue.ts"]);

test("files are about one thing: none is longer than 450 lines", () => {
  const long = sources
    .filter((path) => /\.(tsx?|c|h)$/.test(path) && !/\.generated\.|\.test\.ts$/.test(path))
    .filter((path) => !mayBeLong.has(path))
    .filter((path) => read(path).split("\n").length > 450);
  expect(long).toEqual([]);
});

test("the version stands once", () => {
  expect(JSON.parse(read("package.json")).version).toBe(version);
});

test("every source begins with what it is about", () => {
  const bare = sources
    .filter((path) => /^(src|native|bench|tools|web|website)\/.*\.(tsx?|c|h)$/.test(path))
    .filter((path) => !path.endsWith(".test.ts"))
    .filter((path) => !/^(\/\*|\/\/)/.test(read(path)));
  expect(bare).toEqual([]);
});
