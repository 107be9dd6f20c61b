// The TypeScript side of stopwatch.c: starts it, hands it commands, reads what they cost.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** One run of one command, in the units of the field names. Described in stopwatch.c. */
export interface Run {
  readonly wallNs: number;
  readonly settledNs: number;
  readonly userUs: number;
  readonly sysUs: number;
  readonly maxRssKb: number;
  /** Exit status, or 128 + signal. */
  readonly status: number;
}

export interface Stopwatch {
  /** Ancestor, or adoptive ancestor, of every process of the command that runs. */
  readonly pid: number;
  /** Runs the command with this index. Rejects when the stopwatch itself ends. */
  readonly run: (index: number) => Promise<Run>;
  /** Lets the stopwatch end once the last command has. */
  readonly close: () => void;
}

/** Argument vectors as stopwatch.c reads them. Throws when a vector holds an empty argument. */
export function encodeVectors(vectors: readonly (readonly string[])[]): string {
  const empty = vectors.find((argv) => argv.length === 0 || argv.some((arg) => arg === ""));
  if (empty) throw new Error(`stopwatch: no empty argument in ${JSON.stringify(empty)}`);
  return vectors.map((argv) => `${argv.join("\0")}\0\0`).join("");
}

/**
 * Starts `binary` for these commands, which run with `env` and whose standard error is
 * ours. `file` is written. The stopwatch is in a session of its own: an interrupt typed
 * at the terminal then reaches the benchmark, which lets the current command end, and
 * not the command, which would leave its container half made.
 */
export function startStopwatch(
  binary: string,
  file: string,
  vectors: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv,
): Stopwatch {
  writeFileSync(file, encodeVectors(vectors));
  const child = spawn(binary, [file], {
    env,
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`start ${binary}: cannot be spawned`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    pid,
    run: async (index) => {
      child.stdin.write(`${index}\n`);
      const line = await lines.next();
      if (line.done) throw new Error(`stopwatch ended during ${vectors[index]?.join(" ")}`);
      return JSON.parse(line.value) as Run;
    },
    close: () => child.stdin.end(),
  };
}
