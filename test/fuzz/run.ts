/**
 * All fuzzers, for a bounded time, with a seed that brings the same cases back.
 *
 *   npm run test:fuzz [-- --seconds N] [--seed N] [--only WORD]
 *
 * --seconds is for each of them: 20 unless told. Those in C are native/fuzz: with clang they are built for
 * libFuzzer, otherwise with cc and a driver of ours; with the address and undefined-behaviour sanitizers.
 * They begin with test/fuzz/corpus, and first try again what was found before, test/fuzz/found. What
 * is found is kept there: repair it, and keep the file.
 */

import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { listIfThere } from "../leftovers.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "20" },
    seed: { type: "string" },
    only: { type: "string", default: "" },
  },
});
const seed = Number(values.seed ?? Date.now() % 2 ** 31);
const root = new URL("../../", import.meta.url).pathname;
const scratch = mkdtempSync(`${realpathSync(tmpdir())}/fuzz-`);

const run = (words: readonly string[]): boolean => {
  const [program = "", ...args] = words;
  const { status } = spawnSync(program, args, {
    cwd: root,
    stdio: "inherit",
    timeout: Number(values.seconds) * 3000 + 120_000,
  });
  return status === 0;
};

/** The sources of the unpacker, which one of the targets is built with. */
const unpacker = readdirSync(`${root}native`)
  .filter((name) => /^unpack.*\.c$/.test(name) && name !== "unpack-into.c")
  .map((name) => `native/${name}`);

function fuzzNative(name: string): boolean {
  const hasClang = Bun.which("clang") !== null;
  const program = `${scratch}/${name}`;
  const flags = "-std=gnu11 -g -O1 -Wall -Wextra -fno-sanitize-recover=all";
  const sources = [`native/fuzz/${name}-fuzz.c`, ...(name === "records" ? unpacker : [])];
  const isBuilt = hasClang
    ? run([
        "clang",
        ...flags.split(" "),
        "-fsanitize=fuzzer,address,undefined",
        "-o",
        program,
        ...sources,
      ])
    : run([
        "cc",
        ...flags.split(" "),
        "-fsanitize=address,undefined",
        "-o",
        program,
        ...sources,
        "native/fuzz/driver.c",
      ]);
  if (!isBuilt) return false;
  const corpus = `test/fuzz/corpus/${name}`;
  const kept = `test/fuzz/found/${name}`;
  mkdirSync(`${root}${kept}`, { recursive: true });
  const found = listIfThere(`${root}${kept}`).map((file) => `${kept}/${file}`);
  const grown = `${scratch}/${name}-corpus`;
  mkdirSync(grown);
  const time = [
    `-max_total_time=${values.seconds}`,
    `-seed=${seed % 2 ** 31 || 1}`,
    "-verbosity=0",
    "-print_final_stats=1",
  ];
  const isFine = hasClang
    ? (found.length === 0 || run([program, "-verbosity=0", ...found])) &&
      run([program, ...time, `-artifact_prefix=${kept}/`, grown, corpus])
    : run([
        program,
        values.seconds,
        String(seed),
        `${kept}/last`,
        ...readdirSync(`${root}${corpus}`).map((file) => `${corpus}/${file}`),
        ...found,
      ]);
  if (listIfThere(`${root}${kept}`).length === 0) rmSync(`${root}${kept}`, { recursive: true });
  return isFine;
}

const bounded = ["--seconds", values.seconds, "--seed", String(seed)];
const own = process.execPath;
const targets: readonly (readonly [name: string, fuzz: () => boolean])[] = [
  ["plan", () => fuzzNative("plan")],
  ["records", () => fuzzNative("records")],
  ["users", () => fuzzNative("users")],
  ["documents", () => run([own, "test/fuzz/documents.ts", ...bounded])],
  ["layers", () => run([own, "test/fuzz/layers.ts", ...bounded])],
  [
    "configurations",
    () =>
      run([
        own,
        "test/oci/fuzz.ts",
        "--runs",
        String(Number(values.seconds) * 12),
        "--seed",
        String(seed),
      ]),
  ],
];

const failed: string[] = [];
try {
  for (const [name, fuzz] of targets.filter(([each]) => each.includes(values.only))) {
    console.log(`\n${name}: --only ${name} --seed ${seed}`);
    if (!fuzz()) failed.push(name);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
if (listIfThere(`${root}test/fuzz/found`).length === 0) {
  rmSync(`${root}test/fuzz/found`, { recursive: true, force: true });
}
console.log(
  failed.length === 0 ? "\nnothing was found" : `\nfound something: ${failed.join(", ")}`,
);
if (failed.length > 0) process.exitCode = 1;
