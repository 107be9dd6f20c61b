// What a runtime keeps in memory beside a container that runs.

import { join } from "node:path";
import type { CommandCase } from "./cases.ts";
import { commandLine, descendants, kill, memoryOf } from "./process-tree.ts";
import { type Site, stays } from "./site.ts";
import { startStopwatch } from "./stopwatch.ts";

export interface Resident {
  readonly id: string;
  /** `attached`: the command that waits for the container; `detached`: what stays without it. */
  readonly mode: "attached" | "detached";
  /** The programs that stay, by argv[0]. */
  readonly programs: readonly string[];
  /** KiB, summed over these programs. */
  readonly rss: number;
  readonly pss: number;
}

/** Time for a command to come to rest once the payload runs, in ms. */
const settleTime = 700;
const startTime = 15_000;

/**
 * Starts a container with a payload that stays, sums up the memory of everything that
 * runs for it except the payload, and ends it.
 */
export async function measureResident(
  site: Site,
  { id, argv, detached }: CommandCase,
  mode: Resident["mode"],
): Promise<Resident> {
  const vector = (mode === "detached" ? detached : argv)?.(stays);
  if (!vector) throw new Error(`${id} cannot be detached`);
  const file = join(site.bench.dir, "resident");
  const stopwatch = startStopwatch(site.programs.stopwatch, file, [vector], site.env);
  const run = stopwatch.run(0);
  const payload = await findPayload(stopwatch.pid);
  await Bun.sleep(settleTime);
  const rest = descendants(stopwatch.pid).filter((pid) => pid !== payload);
  const memory = rest.map(memoryOf);
  const programs = rest.map((pid) => commandLine(pid)[0]?.split("/").at(-1) ?? "");
  if (payload !== undefined) kill(payload);
  else descendants(stopwatch.pid).forEach(kill);
  await run;
  stopwatch.close();
  if (payload === undefined) throw new Error(`${vector.join(" ")}: ${stays.name} did not start`);
  const sum = (field: "rss" | "pss") => memory.reduce((total, each) => total + each[field], 0);
  return { id, mode, programs, rss: sum("rss"), pss: sum("pss") };
}

/** The process that became the payload; its makers have it as a part of their arguments. */
async function findPayload(ancestor: number): Promise<number | undefined> {
  const wanted = stays.argv.join("\0");
  for (const end = performance.now() + startTime; performance.now() < end; await Bun.sleep(20)) {
    const found = descendants(ancestor).find((pid) => commandLine(pid).join("\0") === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}
