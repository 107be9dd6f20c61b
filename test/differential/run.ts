// The long run: npm run test:differential -- --seed N --operations 100000

import { mkdirSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { compare, describe, shrink } from "./compare.ts";
import { denseProgram } from "./dense.ts";
import { preparation, program } from "./programs.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    operations: { type: "string", default: "100000" },
    failures: { type: "string", default: "3" },
  },
});
const seed = Number(values.seed);
const wanted = Number(values.operations);
const batch = 200;
let operations = 0;
let programs = 0;
let failures = 0;
const began = performance.now();
for (let round = 0; operations < wanted && failures < Number(values.failures); round++) {
  const kind = round % 4 === 3 ? denseProgram : program;
  const some = fc.sample(kind, { seed: seed + round, numRuns: batch });
  for (const found of compare(some).slice(0, 3)) {
    failures++;
    const small = shrink(found);
    process.stdout.write(`seed ${seed + round}:\n${describe(small)}\n\n`);
    mkdirSync("build/differential", { recursive: true });
    const name = `build/differential/${seed}-${failures}.json`;
    writeFileSync(name, `${JSON.stringify(small.program, null, 1)}\n`);
  }
  programs += some.length;
  operations += some.reduce((sum, each) => sum + each.length - preparation.length, 0);
}
const seconds = ((performance.now() - began) / 1000).toFixed(1);
process.stdout.write(
  `${operations} operations in ${programs} programs, seed ${seed}, ${seconds} s: ${failures} differences\n`,
);
process.exitCode = failures === 0 ? 0 : 1;
