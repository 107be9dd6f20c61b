// The benchmark of OCI runtimes, called as engines call them. Explained in docs/benchmarks.md.

import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { findProgram } from "./command.ts";
import { type OciCase, ociCases, type Runtime, type TimedCommand } from "./oci-cases.ts";
import { type Left, measureLeft } from "./oci-memory.ts";
import { callTable, leftTable, type Series } from "./oci-report.ts";
import { type CommonOptions, expectKnown, readOptions } from "./options.ts";
import { descendants, kill } from "./process-tree.ts";
import { circumstances } from "./report.ts";
import { Costs, interleaved, type Rounds } from "./rounds.ts";
import { asCalled, failInOneLine, measureAndPublish, progress } from "./session.ts";
import { makeSite, type Site } from "./site.ts";
import { seededRandom } from "./statistics.ts";
import { type Run, type Stopwatch, spanMs, startStopwatch } from "./stopwatch.ts";
import { type Cleanup, makeWorkbench } from "./workbench.ts";

const usage = `usage: bun bench/oci.ts [OPTION]...
Compare pivot-oci with crun and runc: all cases in each round, in a new random order.
  --rounds N          timed rounds (60)
  --warmup N          rounds before them (3)
  --only A,B          these cases only
  --runtime NAME=PATH a further runtime, such as an earlier build; can be given again
  --seed N            of the random orders and of the confidence intervals (1)
  --dir DIR           where the working directory is made (the system's temporary directory)
  --write             put the result into docs/benchmarks.md
`;

interface Options extends CommonOptions {
  readonly runtimes: readonly string[];
}

function parseOptions(args: readonly string[]): Options | undefined {
  const read = readOptions(args, 3, { runtime: { type: "string", multiple: true } });
  const runtimes = [read?.values["runtime"] ?? []].flat().map(String);
  return read && { ...read.options, runtimes };
}

/** Why something is not in the result. */
type LeftOut = string[];

function findRuntimes(more: readonly string[], leftOut: LeftOut): Runtime[] {
  const own = join(import.meta.dirname, "../build/pivot-oci");
  const given = more.map((text) => {
    const [name = "", path] = text.split("=");
    if (path === undefined) throw new Error(`--runtime ${text}: NAME=PATH is needed`);
    return { name, path: resolve(path) };
  });
  const peers = ["crun", "runc"].map((name) => ({ name, path: findProgram(name) ?? name }));
  return [...peers, { name: "pivot-oci", path: own }, ...given].filter(({ name, path }) => {
    const isThere = existsSync(path);
    if (!isThere) leftOut.push(`${name}: there is no ${path}`);
    return isThere;
  });
}

/** Keeps the cases that were asked for and whose runtime does what it is asked. */
function selectCases(site: Site, runtimes: readonly Runtime[], options: Options, leftOut: LeftOut) {
  const cases = ociCases(site, runtimes);
  expectKnown(
    "case",
    cases.map(({ id }) => id),
    options.only,
  );
  return cases.filter((each) => {
    if (options.only?.includes(each.id) === false) return false;
    site.bench.cleanup.add(`remove containers of ${each.runtime.name}`, each.reset);
    progress(`proof of ${each.id} by ${each.runtime.name}`);
    let wrong: string | undefined;
    try {
      wrong = each.prove();
    } catch (error) {
      wrong = error instanceof Error ? error.message : String(error);
    }
    if (wrong !== undefined) leftOut.push(`${each.id} of ${each.runtime.name}: ${wrong}`);
    return wrong === undefined;
  });
}

/** A case with its place among the stopwatch's commands, and what was measured of it. */
class Measuring {
  readonly case: OciCase;
  readonly commands: readonly TimedCommand[];
  readonly vectors: readonly (readonly string[])[];
  readonly #first: number;
  readonly #rows = new Map<string, Costs>();

  constructor(each: OciCase, first: number) {
    this.case = each;
    this.commands = each.commands();
    this.vectors = [...this.commands.map(({ argv }) => argv), ...(each.afterwards ?? [])];
    this.#first = first;
  }

  /** Does the case once. Throws when a command fails. */
  async once(stopwatch: Stopwatch, isFirst: boolean): Promise<Run[]> {
    const words = this.commands.map(({ wait }, index) => ({ index: this.#first + index, wait }));
    const runs = await stopwatch.runLine(words);
    const failed = runs.findIndex(({ status }) => status !== 0);
    if (failed >= 0) {
      throw new Error(`${this.commands[failed]?.argv.join(" ")}: status ${runs[failed]?.status}`);
    }
    const wrong = isFirst ? this.case.check?.() : undefined;
    if (wrong !== undefined) throw new Error(wrong);
    const after = this.#first + this.commands.length;
    const last = (this.case.afterwards ?? []).map((_, index) => after + index);
    if (last.length > 0) {
      await stopwatch.runLine(last.map((index) => ({ index, wait: "together" })));
    }
    return runs;
  }

  note(runs: readonly Run[]): void {
    this.#add(this.case.title, spanMs(runs), runs);
    for (const [index, { title }] of this.commands.entries()) {
      const run = runs[index];
      if (title !== undefined && run !== undefined) this.#add(title, run.wallNs / 1e6, [run]);
    }
  }

  #add(title: string, time: number, runs: readonly Run[]): void {
    const row = this.#rows.get(title) ?? new Costs();
    row.add(time, runs);
    this.#rows.set(title, row);
  }

  series(): Series[] {
    const { runtime, config } = this.case;
    return [...this.#rows].map(([title, row]) => ({
      title,
      config,
      runtime: runtime.name,
      times: row.times,
      cpu: row.cpu,
      peakRss: row.peakRss,
    }));
  }
}

/** Times all cases, interleaved. A case of which a run fails is left out from then on. */
async function measureTimes(
  site: Site,
  cases: readonly OciCase[],
  rounds: Rounds,
  leftOut: LeftOut,
): Promise<Series[]> {
  const vectors: (readonly string[])[] = [];
  const all = cases.map((each) => {
    const measuring = new Measuring(each, vectors.length);
    vectors.push(...measuring.vectors);
    return measuring;
  });
  const file = join(site.bench.dir, "oci-commands");
  const stopwatch = startStopwatch(site.programs.stopwatch, file, vectors, site.env);
  const once = async (measuring: Measuring, round: number) => {
    progress(`round ${round + 1} of ${rounds.rounds}`);
    const runs = await measuring.once(stopwatch, round === -rounds.warmup);
    if (round >= 0) measuring.note(runs);
  };
  const running = await interleaved(all, rounds, once, (measuring, { message }, round) => {
    const { id, runtime, reset } = measuring.case;
    leftOut.push(`${id} of ${runtime.name}, in round ${round}: ${message}`);
    reset();
  });
  stopwatch.close();
  return grouped(running.flatMap((measuring) => measuring.series()));
}

/** The runtimes of a row together: the rows of a case come from each runtime in one piece. */
function grouped(series: readonly Series[]): Series[] {
  const groups = Map.groupBy(series, ({ title, config }) => `${config} ${title}`);
  return [...groups.values()].flat();
}

async function measureLeftovers(
  site: Site,
  runtimes: readonly Runtime[],
  interrupted: AbortSignal,
  leftOut: LeftOut,
): Promise<Left[]> {
  const left: Left[] = [];
  for (const status of ["created", "running"] as const) {
    for (const runtime of runtimes) {
      interrupted.throwIfAborted();
      progress(`memory of ${runtime.name}, ${status}`);
      try {
        left.push(await measureLeft(site, runtime, status));
      } catch (error) {
        leftOut.push(`memory of ${runtime.name}, ${status}: ${(error as Error).message}`);
      }
    }
  }
  return left;
}

async function benchmark(options: Options, cleanup: Cleanup, interrupted: AbortSignal) {
  const where = circumstances();
  const leftOut: LeftOut = [];
  const runtimes = findRuntimes(options.runtimes, leftOut);
  const site = makeSite(makeWorkbench(options.dir, cleanup));
  const cases = selectCases(site, runtimes, options, leftOut);
  // Last in, first undone: nothing may run when the containers are removed.
  cleanup.add("end what still runs", () => descendants(process.pid).forEach(kill));
  const random = seededRandom(options.seed);
  const series = await measureTimes(site, cases, { ...options, random, interrupted }, leftOut);
  const left = await measureLeftovers(site, runtimes, interrupted, leftOut);
  progress("");
  const called = asCalled(import.meta.filename);
  return [
    ...where,
    `- Command: \`${called}\` (${options.rounds} rounds after ${options.warmup} to warm up)`,
    ...leftOut.map((text) => `- Left out: ${text}`),
    "",
    "Wall and processor time in milliseconds, memory in MiB.",
    "",
    callTable(series, random),
    "",
    "Kept in memory when the command has returned, in MiB: for a created container the process that",
    "waits to become its program, for a running one everything but the program.",
    "",
    leftTable(left),
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  await measureAndPublish(import.meta.filename, usage, options, benchmark);
}

if (import.meta.main) await failInOneLine(main);
