// The benchmark of container start. What is compared with what: docs/benchmarks.md.

import { join } from "node:path";
import { type CommandCase, commandCases } from "./cases.ts";
import { command } from "./command.ts";
import { type LibraryCase, libraryCases } from "./library.ts";
import { measureResident, type Resident } from "./memory.ts";
import { type CommonOptions, expectKnown, readOptions } from "./options.ts";
import { descendants, kill } from "./process-tree.ts";
import { contradiction, ownNamespaces, proof } from "./proof.ts";
import { circumstances, type Measured, residentTable, timeTable } from "./report.ts";
import { Costs, interleaved, type Rounds } from "./rounds.ts";
import { asCalled, failInOneLine, measureAndPublish, progress } from "./session.ts";
import { ends, makeSite, type Site } from "./site.ts";
import { median, type Random, seededRandom } from "./statistics.ts";
import { startStopwatch } from "./stopwatch.ts";
import { type Cleanup, makeWorkbench } from "./workbench.ts";

const usage = `usage: bun bench/start.ts [OPTION]...
Compare the start of a container: all cases in each round, in a new random order.
  --rounds N     timed rounds (60)
  --warmup N     rounds before them (5)
  --only A,B     these cases only; the base is added
  --base CASE    the case that ratios refer to (floor)
  --seed N       of the random orders and of the confidence intervals (1)
  --dir DIR      where the working directory is made (the system's temporary directory)
  --write        put the result into docs/benchmarks.md
`;

/** Containers that a library case starts in each round; the round's value is their median. */
const libraryBatch = 5;

interface Options extends CommonOptions {
  readonly base: string;
}

/** Why a case is not in the result. */
interface LeftOut {
  readonly id: string;
  readonly reason: string;
}

function parseOptions(args: readonly string[]): Options | undefined {
  const read = readOptions(args, 5, { base: { type: "string", default: "floor" } });
  return read && { ...read.options, base: read.text("base") ?? "floor" };
}

/** Keeps the cases that were asked for and can run, each tried once; tells of the others. */
function selectCases(site: Site, options: Options) {
  const leftOut: LeftOut[] = [];
  const wanted = ({ id }: { id: string }) =>
    id === options.base || (options.only?.includes(id) ?? true);
  const usable = (each: CommandCase | LibraryCase): boolean => {
    let reason = each.unavailable;
    if (reason === undefined && "argv" in each) reason = tryCase(site, each);
    if (reason !== undefined) leftOut.push({ id: each.id, reason });
    return reason === undefined;
  };
  const commands = commandCases(site);
  const libraries = libraryCases(site);
  const known = [...commands, ...libraries].map(({ id }) => id);
  expectKnown("case", known, [options.base, ...(options.only ?? [])]);
  const selection = {
    commands: commands.filter(wanted).filter(usable),
    libraries: libraries.filter(wanted).filter(usable),
    leftOut,
  };
  const base = leftOut.find(({ id }) => id === options.base);
  if (base) throw new Error(`the base ${base.id} cannot run: ${base.reason}`);
  return selection;
}

/** Sets a case up and has it prove its claim; returns what is wrong with it. */
function tryCase(site: Site, each: CommandCase): string | undefined {
  const { prepare, argv, reset, seccomp, shares = [] } = each;
  try {
    prepare?.();
    if (reset) site.bench.cleanup.add("remove containers", reset);
    return contradiction(command(argv(proof), site), { shares, seccomp }, ownNamespaces());
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Times all cases, interleaved. A case of which a run fails is left out from then on. */
async function measureTimes(
  site: Site,
  { commands, libraries, leftOut }: ReturnType<typeof selectCases>,
  rounds: Rounds,
): Promise<Measured[]> {
  const file = join(site.bench.dir, "commands");
  const vectors = commands.map(({ argv }) => argv(ends));
  const stopwatch = startStopwatch(site.programs.stopwatch, file, vectors, site.env);
  const all = [...commands, ...libraries].map((each) => ({ each, costs: new Costs() }));
  const once = async ({ each, costs }: (typeof all)[number], round: number) => {
    progress(`round ${round + 1} of ${rounds.rounds}`);
    if ("library" in each) {
      const time = median(await each.library(libraryBatch));
      if (round >= 0) costs.times.push(time);
      return;
    }
    const run = await stopwatch.run(commands.indexOf(each));
    if (run.status !== 0) throw new Error(`status ${run.status} in round ${round}`);
    if (round >= 0) costs.add(run.wallNs / 1e6, [run]);
  };
  const running = await interleaved(all, rounds, once, ({ each }, { message }) => {
    leftOut.push({ id: each.id, reason: message });
    if ("reset" in each) each.reset?.();
  });
  stopwatch.close();
  return running.map(({ each, costs: { times, cpu, peakRss } }) => ({
    about: each,
    times,
    cpu,
    peakRss,
  }));
}

async function measureResidents(
  site: Site,
  { commands, leftOut }: ReturnType<typeof selectCases>,
  measured: readonly Measured[],
  interrupted: AbortSignal,
): Promise<Resident[]> {
  const residents: Resident[] = [];
  const timed = new Set(measured.map(({ about }) => about.id));
  for (const each of commands.filter(({ id, resident }) => resident && timed.has(id))) {
    for (const mode of each.detached
      ? (["attached", "detached"] as const)
      : ["attached" as const]) {
      interrupted.throwIfAborted();
      progress(`memory of ${each.id}, ${mode}`);
      try {
        residents.push(await measureResident(site, each, mode));
      } catch (error) {
        leftOut.push({ id: `memory of ${each.id}, ${mode}`, reason: String(error) });
        each.reset?.();
      }
    }
  }
  return residents;
}

/** All of the result that is not prose, in Markdown. */
function describe(
  options: Options,
  where: readonly string[],
  measured: readonly Measured[],
  residents: readonly Resident[],
  leftOut: readonly LeftOut[],
  random: Random,
): string {
  const called = asCalled(import.meta.filename);
  const notes = leftOut.map(({ id, reason }) => `- Left out: ${id}: ${reason}`);
  return [
    ...where,
    `- Command: \`${called}\` (${options.rounds} rounds after ${options.warmup} to warm up)`,
    ...notes,
    "",
    "Start to exit in milliseconds, processor time in milliseconds, memory in MiB.",
    "",
    timeTable(measured, options.base, random),
    ...(residents.length > 0
      ? ["", "Kept in memory while a container runs, without its payload, in MiB.", ""]
      : []),
    ...(residents.length > 0 ? [residentTable(residents)] : []),
    "",
  ].join("\n");
}

async function benchmark(options: Options, cleanup: Cleanup, interrupted: AbortSignal) {
  const where = circumstances();
  const site = makeSite(makeWorkbench(options.dir, cleanup));
  const selection = selectCases(site, options);
  // Last in, first undone: nothing may run when the containers are removed.
  cleanup.add("end what still runs", () => descendants(process.pid).forEach(kill));
  const random = seededRandom(options.seed);
  const measured = await measureTimes(site, selection, { ...options, random, interrupted });
  const residents = await measureResidents(site, selection, measured, interrupted);
  progress("");
  return describe(options, where, measured, residents, selection.leftOut, random);
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  await measureAndPublish(import.meta.filename, usage, options, benchmark);
}

if (import.meta.main) await failInOneLine(main);
