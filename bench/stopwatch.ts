// The TypeScript side of stopwatch.c: starts it, hands it commands, reads what they cost.

import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

/** One run of one command, in the units of the field names. Described in stopwatch.c. */
export interface Run {
  readonly index: number;
  readonly startNs: number;
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
  /**
   * Runs commands one after the other, or together, each once. Resolves to their runs in the order
   * of `words`; rejects likewise.
   */
  readonly runLine: (words: readonly Word[]) => Promise<Run[]>;
  /** Lets the stopwatch end once the last command has. */
  readonly close: () => void;
}

/** A command by its index, and what is waited for before the next one. */
export interface Word {
  readonly index: number;
  /**
   * `settled`: for all that it leaves running; `left`: for the command alone; `together`: for
   * nothing, up to the end of the line.
   */
  readonly wait: "settled" | "left" | "together";
}

const letters: Readonly<Record<Word["wait"], string>> = { settled: "", left: "-", together: "&" };

/** Milliseconds from the start of the first of these runs to the end of the last. */
export function spanMs(runs: readonly Run[]): number {
  const start = Math.min(...runs.map(({ startNs }) => startNs));
  return (Math.max(...runs.map(({ startNs, wallNs }) => startNs + wallNs)) - start) / 1e6;
}

/** Argument vectors as stopwatch.c reads them. Throws when a vector holds an empty argument. */
export function encodeVectors(vectors: readonly (readonly string[])[]): string {
  const empty = vectors.find((argv) => argv.length === 0 || argv.some((arg) => arg === ""));
  if (empty) throw new Error(`stopwatch: no empty argument in ${JSON.stringify(empty)}`);
  return vectors.map((argv) => `${argv.join("\0")}\0\0`).join("");
}

/**
 * Starts `binary` for these commands, which run with `env` and whose standard error is
 * ours. `file` is written. `through` are the first words of its own command line: a program that
 * leads it to other namespaces, or makes it another user, and becomes it. The stopwatch is in a session of its own: an interrupt typed
 * at the terminal then reaches the benchmark, which lets the current command end, and
 * not the command, which would leave its container half made.
 */
export function startStopwatch(
  binary: string,
  file: string,
  vectors: readonly (readonly string[])[],
  env: NodeJS.ProcessEnv,
  through: readonly string[] = [],
): Stopwatch {
  writeFileSync(file, encodeVectors(vectors));
  const [program = binary, ...args] = [...through, binary, file];
  const child = spawn(program, args, {
    env,
    stdio: ["pipe", "pipe", "inherit"],
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`start ${binary}: cannot be spawned`);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const readRun = async (): Promise<Run> => {
    const line = await lines.next();
    if (!line.done) return JSON.parse(line.value) as Run;
    throw new Error("ended");
  };
  const runLine = async (words: readonly Word[]): Promise<Run[]> => {
    child.stdin.write(`${words.map(({ index, wait }) => index + letters[wait]).join(" ")}\n`);
    const runs: Run[] = [];
    try {
      while (runs.length < words.length) runs.push(await readRun());
    } catch (cause) {
      const during = words.map(({ index }) => vectors[index]?.join(" ")).join("; ");
      throw new Error(`stopwatch ended during ${during}`, { cause });
    }
    return words.flatMap(({ index }) => runs.find((run) => run.index === index) ?? []);
  };
  return {
    pid,
    runLine,
    run: async (index) => {
      const [run] = await runLine([{ index, wait: "settled" }]);
      if (run === undefined) throw new Error(`stopwatch: no answer for ${index}`);
      return run;
    },
    close: () => child.stdin.end(),
  };
}
