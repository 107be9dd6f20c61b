// The benchmark of container start as an ordinary user. What is compared with what: docs/benchmarks.md.
// In a world of its own (tools/world.sh): npm run bench:rootless.

import { join } from "node:path";
import { userId } from "../test/ordinary-user.ts";
import { command } from "./command.ts";
import { type CommonOptions, expectKnown, readOptions, withoutDirectory } from "./options.ts";
import { connectedPair, ordinaryUser, type Through, timePlaced } from "./places.ts";
import { descendants, kill } from "./process-tree.ts";
import { circumstances } from "./report.ts";
import { type RootlessCase, rootlessCases } from "./rootless-cases.ts";
import { proving, rootlessContradiction, rootlessProof } from "./rootless-proof.ts";
import { type RootlessMeasured, rootlessTable } from "./rootless-report.ts";
import type { Rounds } from "./rounds.ts";
import { asCalled, failInOneLine, measureAndPublish, progress, worldDirectory } from "./session.ts";
import { ends, makeSite, type Site } from "./site.ts";
import { seededRandom } from "./statistics.ts";
import { type Cleanup, makeWorkbench } from "./workbench.ts";

const usage = `usage: tools/bench-world.sh rootless [OPTION]...
Compare the start of a container as an ordinary user: all cases in each round, in a new random order.
  --rounds N     timed rounds (40)
  --warmup N     rounds before them (3)
  --only A,B     these cases only, with and without a network
  --seed N       of the random orders and of the confidence intervals (1)
  --write        put the result into docs/benchmarks.md
`;

function parseOptions(args: readonly string[]): CommonOptions | undefined {
  const read = readOptions(args, 3, { rounds: { type: "string", default: "40" } });
  return read && withoutDirectory(read.options);
}

const nameOf = ({ id, network }: RootlessCase): string => `${id} (${network})`;

/** Sets a case up and has it prove its claim; returns what is wrong with it. */
function tryCase(each: RootlessCase): string | undefined {
  const { unavailable, prepare, argv, user, seccomp, ids, network, shares = [] } = each;
  if (unavailable !== undefined) return unavailable;
  try {
    prepare?.();
    const printed = command([...user, ...proving(argv(rootlessProof))]);
    const connected = network === "pasta" || network === "slirp4netns";
    return rootlessContradiction(printed, { shares, seccomp, ids, connected, uid: userId });
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

interface World {
  readonly directory: string;
  readonly host: Through;
}

/** Keeps the cases that were asked for and do what they claim. */
function selectCases(site: Site, world: World, options: CommonOptions, leftOut: string[]) {
  const user = (name: string, mode: "range" | "single") => [
    ...world.host,
    ...ordinaryUser(site, join(world.directory, name), mode),
  ];
  const cases = rootlessCases(site, {
    range: user("range", "range"),
    single: user("single", "single"),
    beside: user("beside", "range"),
  });
  expectKnown(
    "case",
    cases.map(({ id }) => id),
    options.only,
  );
  return cases.filter((each) => {
    if (options.only?.includes(each.id) === false) return false;
    progress(`proof of ${nameOf(each)}`);
    const wrong = tryCase(each);
    if (wrong !== undefined) leftOut.push(`${nameOf(each)}: ${wrong}`);
    return wrong === undefined;
  });
}

async function measureTimes(
  site: Site,
  cases: readonly RootlessCase[],
  rounds: Rounds,
  leftOut: string[],
): Promise<RootlessMeasured[]> {
  const placed = cases.map((about) => ({ about, through: about.user, argv: about.argv(ends) }));
  const measured = await timePlaced(site, placed, rounds, ({ about }, message) => {
    leftOut.push(`${nameOf(about)}: ${message}`);
  });
  return measured.map(({ each: { about }, costs: { times, cpu, peakRss } }) => ({
    about,
    times,
    cpu,
    peakRss,
  }));
}

async function benchmark(options: CommonOptions, cleanup: Cleanup, interrupted: AbortSignal) {
  const where = circumstances();
  const directory = worldDirectory("bench:rootless");
  const site = makeSite(makeWorkbench(directory, cleanup));
  const { host } = await connectedPair(cleanup);
  // Nothing may run when directories are removed.
  cleanup.add("end what still runs", () => descendants(process.pid).forEach(kill));
  const leftOut: string[] = [];
  const cases = selectCases(site, { directory, host: host.through }, options, leftOut);
  const random = seededRandom(options.seed);
  const measured = await measureTimes(site, cases, { ...options, random, interrupted }, leftOut);
  progress("");
  return [
    ...where,
    `- Command: \`${asCalled(import.meta.filename)}\` (${options.rounds} rounds after ${options.warmup} to warm up)`,
    ...leftOut.map((text) => `- Left out: ${text}`),
    "",
    "Start to exit in milliseconds, processor time in milliseconds, memory in MiB.",
    "",
    rootlessTable(measured, random),
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options !== undefined) worldDirectory("bench:rootless");
  await measureAndPublish(import.meta.filename, usage, options, benchmark);
}

if (import.meta.main) await failInOneLine(main);
