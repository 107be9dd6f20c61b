// The benchmark of networks: what a bridge costs a start, and how much goes through. What is compared
// with what: docs/benchmarks.md. In a world of its own (tools/world.sh): npm run bench:networks.

import { program } from "./cases.ts";
import { command } from "./command.ts";
import { type Engine, engines, machines, makeImage, tell } from "./network-engines.ts";
import { setupTable, throughputTable } from "./network-report.ts";
import { measureSetup } from "./network-setup.ts";
import {
  type CommonOptions,
  count,
  expectKnown,
  readOptions,
  withoutDirectory,
} from "./options.ts";
import { connectedPair } from "./places.ts";
import { descendants, kill } from "./process-tree.ts";
import { circumstances } from "./report.ts";
import { asCalled, failInOneLine, measureAndPublish, progress, worldDirectory } from "./session.ts";
import { makeSite, type Site } from "./site.ts";
import { seededRandom } from "./statistics.ts";
import { measureThroughput } from "./throughput.ts";
import { type Cleanup, makeWorkbench } from "./workbench.ts";

const usage = `usage: tools/bench-world.sh networks [OPTION]...
Compare what a network costs a start, and how much goes through: all in each round, in a new random order.
  --rounds N     timed rounds of starts (15)
  --warmup N     rounds before them (2)
  --passes N     rounds of throughput (5)
  --seconds N    of each measurement of throughput (1)
  --only A,B     these engines only: pivot, podman, docker
  --seed N       of the random orders and of the confidence intervals (1)
  --write        put the result into docs/benchmarks.md
`;

interface Options extends CommonOptions {
  readonly passes: number;
  readonly seconds: number;
}

function parseOptions(args: readonly string[]): Options | undefined {
  const read = readOptions(args, 2, {
    rounds: { type: "string", default: "15" },
    passes: { type: "string", default: "5" },
    seconds: { type: "string", default: "1" },
  });
  if (read === undefined) return undefined;
  expectKnown("engine", ["pivot", "podman", "docker"], read.options.only);
  return {
    ...withoutDirectory(read.options),
    passes: count("passes", read.text("passes"), 1),
    seconds: count("seconds", read.text("seconds"), 1),
  };
}

/** Starts the daemons, and has every engine load the image; those that cannot are left out. */
async function prepare(
  site: Site,
  all: readonly Engine[],
  archive: string,
  daemons: AsyncDisposableStack,
  leftOut: string[],
): Promise<Engine[]> {
  const ready: Engine[] = [];
  for (const engine of all) {
    progress(`image of ${engine.name} (${engine.network})`);
    try {
      if (engine.unavailable !== undefined) throw new Error(engine.unavailable);
      if (engine.daemon !== undefined) daemons.use(await engine.daemon());
      tell(site, engine, "load", "-q", "-i", archive);
      ready.push(engine);
    } catch (error) {
      leftOut.push(`${engine.name} (${engine.network}): ${(error as Error).message}`);
    }
  }
  return ready;
}

const versions = (iperf: string): string[] => {
  const first = (argv: readonly string[]) => command(argv).split("\n")[0] ?? "";
  const known = [
    [program("docker").path, "--version"],
    [program("dockerd").path, "--version"],
    [program("pasta").path, "--version"],
    [program("slirp4netns").path, "--version"],
    [iperf, "--version"],
  ];
  return known
    .flatMap((argv) => (argv[0]?.startsWith("/") === true ? [first(argv)] : []))
    .filter((line) => !line.includes("unknown")); // Debian's pasta does not know its own
};

async function benchmark(options: Options, cleanup: Cleanup, interrupted: AbortSignal) {
  const where = circumstances();
  const iperf = program("iperf3");
  if (iperf.unavailable !== undefined) throw new Error(iperf.unavailable);
  const world = worldDirectory("bench:networks");
  const site = makeSite(makeWorkbench(world, cleanup));
  const pairs = [];
  for (let i = 0; i < machines; i++) pairs.push(await connectedPair(cleanup));
  const archive = makeImage(site, iperf.path, world);
  const leftOut: string[] = [];
  const wanted = engines({ site, world, pairs }).filter(
    ({ name }) => options.only?.includes(name) ?? true,
  );
  // Nothing may run when directories are removed.
  cleanup.add("end what still runs", () => descendants(process.pid).forEach(kill));
  await using daemons = new AsyncDisposableStack();
  const ready = await prepare(site, wanted, archive, daemons, leftOut);
  const random = seededRandom(options.seed);
  const rounds = { ...options, random, interrupted };
  const setup = await measureSetup(site, ready, rounds, leftOut);
  const passes = { ...rounds, rounds: options.passes, warmup: 0 };
  const through = await measureThroughput(
    site,
    ready,
    iperf.path,
    options.seconds,
    passes,
    leftOut,
  );
  progress("");
  return [
    ...where,
    `- Also: ${versions(iperf.path).join("; ")}`,
    `- Command: \`${asCalled(import.meta.filename)}\` (${options.rounds} rounds after ${options.warmup} to warm up; ` +
      `throughput ${options.passes} times ${options.seconds} s)`,
    ...leftOut.map((text) => `- Left out: ${text}`),
    "",
    "Start to exit in milliseconds, processor time in milliseconds, memory in MiB.",
    "",
    setupTable(setup, random),
    "",
    "Throughput of one TCP connection in Gbit/s; data goes into the container, or out of it.",
    "",
    throughputTable(through, random),
    "",
  ].join("\n");
}

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options !== undefined) worldDirectory("bench:networks");
  await measureAndPublish(import.meta.filename, usage, options, benchmark);
}

if (import.meta.main) await failInOneLine(main);
