// TypeScript of the documentation is what the library takes.

import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { allBlocks } from "../../tools/docs/code-blocks.ts";

const root = new URL("../../", import.meta.url).pathname;
const place = `${root}build/docs-typescript/`;

test("every block of TypeScript compiles", () => {
  const blocks = allBlocks().filter(({ language }) => language === "ts");
  expect(blocks.length).toBeGreaterThan(5);
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  for (const { path, line, lines } of blocks) {
    const name = `${path.replaceAll(/[^\w]+/g, "-")}-${line}.ts`;
    writeFileSync(place + name, `${lines.join("\n")}\nexport {};\n`);
  }
  const compilerOptions = {
    module: "preserve",
    moduleResolution: "bundler",
    noUnusedLocals: false,
    paths: {
      "pivot-runtime": [`${root}src/mod.ts`],
      "pivot-runtime/simulator": [`${root}src/simulator/mod.ts`],
    },
    typeRoots: [`${root}node_modules/@types`],
  };
  writeFileSync(
    `${place}tsconfig.json`,
    JSON.stringify({ extends: "../../tsconfig.json", compilerOptions, include: ["*.ts"] }),
  );
  const { status, stdout } = spawnSync(`${root}node_modules/.bin/tsc`, ["-p", place], {
    encoding: "utf8",
  });
  expect({ status, stdout }).toEqual({ status: 0, stdout: "" });
});
