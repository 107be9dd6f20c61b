import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const directory = mkdtempSync("/tmp/pivot locate é-");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What a program prints that has `locate.ts` as a part of it. */
function printed(file: string): string {
  const { stdout, stderr } = Bun.spawnSync([process.execPath, file], { cwd: "/" });
  return stdout.toString() + stderr.toString();
}

test("the executor is found in a package whose path has spaces and more, and by a bundle beside it", () => {
  const installed = join(directory, "node_modules/pivot-runtime");
  mkdirSync(join(installed, "build"), { recursive: true });
  mkdirSync(join(installed, "dist/executor"), { recursive: true });
  writeFileSync(join(installed, "build/pivot"), "");
  writeFileSync(join(installed, "package.json"), '{ "name": "pivot-runtime", "type": "module" }');
  cpSync(join(import.meta.dir, "locate.ts"), join(installed, "dist/executor/locate.ts"));
  const use = (path: string) =>
    `import { executorPath } from ${JSON.stringify(path)};
     try { console.log(executorPath()); } catch (error) { console.log("none:", error.message); }`;

  writeFileSync(join(directory, "program.ts"), use(join(installed, "dist/executor/locate.ts")));
  expect(printed(join(directory, "program.ts"))).toBe(`${installed}/build/pivot\n`);

  // As a bundler leaves it: somewhere else below the directory that has the package.
  const bundle = join(directory, "out/deep/er");
  mkdirSync(bundle, { recursive: true });
  cpSync(join(import.meta.dir, "locate.ts"), join(bundle, "locate.ts"));
  writeFileSync(join(bundle, "program.ts"), use("./locate.ts"));
  expect(printed(join(bundle, "program.ts"))).toBe(`${installed}/build/pivot\n`);

  rmSync(join(directory, "node_modules"), { recursive: true });
  expect(printed(join(bundle, "program.ts"))).toMatch(
    /^none: the executor is not there: \/.*; in a /,
  );
});
