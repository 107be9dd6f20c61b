// The tests in C of native/: each includes the file that it tests, and runs under ASAN and UBSAN, save
// with PIVOT_TEST_SANITISED=0.

import { afterAll, expect, test } from "bun:test";
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { promisify } from "node:util";
import { patience } from "./patience.ts";

const execute = promisify(execFile);
const sources = new URL("../native/test/", import.meta.url).pathname;
const names = readdirSync(sources).filter((name) => name.endsWith("-test.c"));
const directory = mkdtempSync(`${tmpdir()}/pivot-native-`);
afterAll(() => rmSync(directory, { recursive: true }));

async function compile(name: string): Promise<string> {
  const program = `${directory}/${name.replace(/\.c$/, "")}`;
  const flags = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Werror"];
  if (process.env["PIVOT_TEST_SANITISED"] !== "0")
    flags.push("-fsanitize=address,undefined", "-fno-sanitize-recover=all");
  await execute("cc", [...flags, "-o", program, sources + name]);
  return program;
}

// All at once: most of the time goes to the compiler.
const programs = new Map(names.map((name) => [name, compile(name)]));

test("there are tests", () => {
  expect(names.length).toBeGreaterThanOrEqual(6);
});

for (const name of names) {
  test(name, { timeout: 60_000 * patience }, async () => {
    const program = await programs.get(name);
    const { stdout } = await execute(program ?? "", [], { timeout: 50_000 * patience });
    expect(stdout).toMatch(/^\d+ checks, 0 failed$|^skipped: /m);
  });
}
