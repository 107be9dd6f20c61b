// The options that all benchmarks take, and how they are read.

import { type ParseArgsOptionsConfig, parseArgs } from "node:util";

/** What each measurement is told. */
export interface CommonOptions {
  readonly rounds: number;
  readonly warmup: number;
  readonly only: readonly string[] | undefined;
  readonly seed: number;
  readonly dir: string | undefined;
  readonly write: boolean;
}

const common = {
  rounds: { type: "string", default: "60" },
  warmup: { type: "string" },
  only: { type: "string" },
  seed: { type: "string", default: "1" },
  dir: { type: "string" },
  write: { type: "boolean", default: false },
  help: { type: "boolean", default: false },
} as const;

export function count(name: string, text: string | undefined, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: a whole number from ${least} is needed`);
}

/**
 * Refuses `--dir` for a benchmark in a world of its own, whose directory is where everything lies.
 *
 * @throws Error in one line
 */
export function withoutDirectory<Options extends CommonOptions>(options: Options): Options {
  if (options.dir === undefined) return options;
  throw new Error(`--dir ${options.dir}: everything lies in the world's own directory`);
}

/**
 * Refuses a name that none of what can be measured has.
 *
 * @param what what the names are of, such as `case`
 * @param chosen what was asked for; undefined: everything
 * @throws Error in one line
 */
export function expectKnown(
  what: string,
  known: Iterable<string>,
  chosen: readonly string[] | undefined,
): void {
  const names = [...new Set(known)];
  const unknown = chosen?.find((name) => !names.includes(name));
  if (unknown === undefined) return;
  throw new Error(`there is no ${what} ${unknown}, only ${names.join(", ")}`);
}

/**
 * @param warmup rounds before the timed ones unless told
 * @param own options of this benchmark alone; one of the common ones has the default that is given here
 * @returns undefined when help is asked for
 * @throws Error in one line
 */
export function readOptions<Own extends ParseArgsOptionsConfig>(
  args: readonly string[],
  warmup: number,
  own: Own,
) {
  const parsed = parseArgs({ args: [...args], options: { ...common, ...own } });
  const values: Readonly<Record<string, string | boolean | (string | boolean)[] | undefined>> =
    parsed.values;
  if (values["help"] === true) return undefined;
  const text = (name: string): string | undefined => {
    const value = values[name];
    return typeof value === "string" ? value : undefined;
  };
  const options: CommonOptions = {
    rounds: count("rounds", text("rounds"), 1),
    warmup: count("warmup", text("warmup") ?? String(warmup), 0),
    only: text("only")?.split(","),
    seed: count("seed", text("seed"), 0),
    dir: text("dir"),
    write: values["write"] === true,
  };
  return { options, text, values };
}
