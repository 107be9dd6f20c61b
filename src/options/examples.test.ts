// The examples in the documentation comments of this folder run, as they stand.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const folder = import.meta.dirname;

/** The code between the fences of a comment, without the comment's stars. */
function examplesOf(file: string): readonly string[] {
  const fenced = readFileSync(join(folder, file), "utf8").matchAll(/```ts\n(.*?) \* ```/gs);
  return [...fenced].map(([, code = ""]) => code.replaceAll(/^ \* ?/gm, ""));
}

const files = readdirSync(folder).filter((name) => /^[^.]+\.ts$/.test(name));
const examples = files.flatMap((file) => examplesOf(file).map((code) => [file, code] as const));

test("there are examples to run", () => {
  expect(examples.map(([file]) => file)).toEqual(["container-spec.ts", "problem.ts"]);
});

test.each(examples)("%s", async (_, code) => {
  const scratch = mkdtempSync(join(tmpdir(), "pivot-example-"));
  try {
    const program = join(scratch, "example.ts");
    writeFileSync(program, code.replaceAll("./mod.ts", join(folder, "mod.ts")));
    await import(program);
  } finally {
    rmSync(scratch, { recursive: true });
  }
});
