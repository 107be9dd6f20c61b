// A short run of the fuzzer, after the cases that it found before. Its cases are the same each time:
// new ones are for `npm run test:fuzz-config`, where somebody can look at what they find.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { patience } from "../patience.ts";
import { title, whyNot } from "./runtime.ts";

const program = new URL("fuzz.ts", import.meta.url).pathname;

describe.skipIf(whyNot !== undefined)(title("fuzzing"), () => {
  test("what was found before, and 150 cases", { timeout: 180_000 * patience }, () => {
    const words = [program, "--runs", "150", "--seed", "256908275"];
    const { status, stdout } = spawnSync(process.execPath, words, { encoding: "utf8" });
    expect({ stdout, status }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(/\d+ cases: [1-9]\d* containers were created/);
  });
});
