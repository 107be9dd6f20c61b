// Commands of the set-up, which is not timed: run one, fail with what it said.

import { spawnSync } from "node:child_process";

/**
 * Runs a command to its end and returns its standard output.
 * Throws an Error of one line, with the last line of its standard error, when it fails.
 */
export function command(
  argv: readonly string[],
  { env = process.env, minutes = 1 }: { env?: NodeJS.ProcessEnv; minutes?: number } = {},
): string {
  const [program = "", ...args] = argv;
  const result = spawnSync(program, args, { env, encoding: "utf8", timeout: minutes * 60_000 });
  if (result.error) throw new Error(`${program}: ${result.error.message}`);
  if (result.status !== 0) {
    const said = result.stderr.trim().split("\n").at(-1);
    throw new Error(`${argv.join(" ")}: ${result.signal ?? `status ${result.status}`}: ${said}`);
  }
  return result.stdout;
}

/** The path of a program, or null: a path as it is, a name as PATH has it. */
export function findProgram(program: string): string | null {
  return Bun.which(program);
}
