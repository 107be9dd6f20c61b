// Containers started from a process that is already running, as a program that uses the
// library does: no start-up of a command line in it.

import { type About, floorArgv, pivotStore } from "./cases.ts";
import { ends, type Site } from "./site.ts";

/** A case that is a function. */
export interface LibraryCase extends About {
  readonly unavailable?: string | undefined;
  /** Starts and awaits containers, `rounds` in each lane; resolves to ms per container. */
  readonly library: (rounds: number) => Promise<number[]>;
}

/** All library cases, in the order of the table. */
export function libraryCases(site: Site): LibraryCase[] {
  const full = { root: "fresh", cgroups: site.bench.cgroups.length > 0, seccomp: true } as const;
  const { seccomp } = site;
  const unavailable = "unavailable" in seccomp ? seccomp.unavailable : undefined;
  const spawnFloor = (lane: number) =>
    spawnAndWait(floorArgv(site, full, ends, { lane: `-${lane}` }));
  return [
    { id: "warm-floor", ...full, unavailable, library: inSequence(() => spawnFloor(0)) },
    { id: "warm-floor-2", ...full, unavailable, library: inParallel(2, spawnFloor) },
    { id: "warm-pivot", ...full, library: inSequence(() => runWithPivot(site)) },
    { id: "warm-pivot-2", ...full, library: inParallel(2, () => runWithPivot(site)) },
  ];
}

/** One after the other: a time for each. */
export function inSequence(start: () => Promise<void>): LibraryCase["library"] {
  return async (rounds) => {
    const times: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const before = performance.now();
      await start();
      times.push(performance.now() - before);
    }
    return times;
  };
}

/** Some at a time: the whole time over the number of containers, as a single value. */
export function inParallel(
  lanes: number,
  start: (lane: number) => Promise<void>,
): LibraryCase["library"] {
  return async (rounds) => {
    const before = performance.now();
    const lane = async (index: number) => {
      for (let round = 0; round < rounds; round++) await start(index);
    };
    await Promise.all(Array.from({ length: lanes }, (_, index) => lane(index)));
    return [(performance.now() - before) / (lanes * rounds)];
  };
}

async function runWithPivot({ bench }: Site): Promise<void> {
  const { run } = await import("../src/mod.ts");
  const roots = { dataRoot: pivotStore(bench.dir), runRoot: "/run/pivot-bench" };
  const streams = { stdout: "ignore", stderr: "inherit" } as const;
  const { exitCode } = await run({
    image: "busybox",
    network: "none",
    command: [...ends.argv],
    roots,
    ...streams,
  });
  if (exitCode !== 0) throw new Error(`pivot: exit code ${exitCode}`);
}

async function spawnAndWait(argv: string[]): Promise<void> {
  const status = await Bun.spawn(argv, { stdio: ["ignore", "ignore", "inherit"] }).exited;
  if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}`);
}
