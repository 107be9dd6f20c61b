// The examples in the documentation comments of this folder run, as they stand.

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const folder = fileURLToPath(new URL(".", import.meta.url));
const sources = readdirSync(folder).filter((name) => /^[^.]+\.ts$/.test(name));

const examples = sources.flatMap((name) => {
  const found = readFileSync(join(folder, name), "utf8").matchAll(/```ts\n(.*?) \* ```/gs);
  return [...found].map(([, code = ""], index) => {
    return { name: `${name}, example ${index + 1}`, code: code.replaceAll(/^ \* ?/gm, "") };
  });
});

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(3);
});

for (const { name, code } of examples) {
  test(name, async () => {
    const scratch = mkdtempSync(join(tmpdir(), "pivot-example-"));
    try {
      const file = join(scratch, "example.ts");
      writeFileSync(file, code.replaceAll('"./mod.ts"', JSON.stringify(join(folder, "mod.ts"))));
      await import(pathToFileURL(file).href);
    } finally {
      rmSync(scratch, { recursive: true });
    }
  });
}
