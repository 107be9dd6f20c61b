// Where commands run that do not run as root on this machine: on a machine with another one outside of
// it, and as ordinary users; and their stopwatches, one for each place.

import { chmodSync } from "node:fs";
import { join } from "node:path";
import { Machine } from "../test/network-world.ts";
import { type UserMode, whyNoUser } from "../test/ordinary-user.ts";
import { Costs, interleaved, type Rounds } from "./rounds.ts";
import { progress } from "./session.ts";
import type { Site } from "./site.ts";
import { type Run, startStopwatch } from "./stopwatch.ts";
import type { Cleanup } from "./workbench.ts";

const asUser = join(import.meta.dirname, "../tools/as-user.sh");

/** The words that lead a command to its place, and become it. */
export type Through = readonly string[];

/** Two machines, as far as network namespaces make some, and the cable between them. */
export interface Pair {
  readonly host: Machine;
  /** It is the host's way to everywhere. */
  readonly outside: Machine;
}

/** Of the host, and of the machine outside: addresses for documentation (RFC 5737). */
export const hostAddress = "203.0.113.2";
export const outsideAddress = "203.0.113.1";

/** Makes two machines. */
export async function connectedPair(cleanup: Cleanup): Promise<Pair> {
  const [host, outside] = [await Machine.make(), await Machine.make()];
  // While their processes are there, this one does not end either.
  for (const machine of [host, outside]) cleanup.add("end a machine", () => machine.close());
  host.connect(outside, [`${hostAddress}/24`], [`${outsideAddress}/24`]);
  host.say(["ip", "route", "add", "default", "via", outsideAddress]);
  return { host, outside };
}

/**
 * An ordinary user who is made for the benchmark. The working directory is opened for such users.
 *
 * @param home short: podman's cleanup gives up where its directory of state has more than 50 characters
 * @throws Error when there can be none here
 */
export function ordinaryUser({ bench, env }: Site, home: string, mode: UserMode): Through {
  const why = whyNoUser();
  if (why !== undefined) throw new Error(why);
  chmodSync(bench.dir, 0o755);
  return [asUser, mode, home, "env", `CONTAINERS_CONF=${env["CONTAINERS_CONF"] ?? ""}`];
}

/** A command line without the words that lead it to its place. */
export interface Placed {
  readonly through: Through;
  readonly argv: readonly string[];
}

/** Runs commands by their index, each at its place, without the way there being timed. */
interface Stopwatches {
  readonly run: (index: number) => Promise<Run>;
  readonly close: () => void;
}

/** Starts a stopwatch for each place. */
function startStopwatches(
  { bench, programs, env }: Site,
  commands: readonly Placed[],
): Stopwatches {
  const numbered = commands.map((each, index) => ({ ...each, index }));
  const groups = Map.groupBy(numbered, ({ through }) => through.join(" "));
  const places = [...groups.values()].map((members, number) => {
    const file = join(bench.dir, `commands-${number}`);
    const vectors = members.map(({ argv }) => argv);
    const through = members[0]?.through ?? [];
    const stopwatch = startStopwatch(programs.stopwatch, file, vectors, env, through);
    return { stopwatch, indices: members.map(({ index }) => index) };
  });
  return {
    run: (index) => {
      const place = places.find(({ indices }) => indices.includes(index));
      if (place === undefined) throw new Error(`there is no command ${index}`);
      return place.stopwatch.run(place.indices.indexOf(index));
    },
    close: () => places.forEach(({ stopwatch }) => stopwatch.close()),
  };
}

/**
 * Times commands at their places, interleaved. One of which a run fails is left out from then on.
 *
 * @param dropped told of a command that failed
 * @returns those that never failed, with what they cost
 */
export async function timePlaced<Each extends Placed>(
  site: Site,
  commands: readonly Each[],
  rounds: Rounds,
  dropped: (each: Each, message: string) => void,
): Promise<{ readonly each: Each; readonly costs: Costs }[]> {
  const stopwatches = startStopwatches(site, commands);
  const all = commands.map((each, index) => ({ each, index, costs: new Costs() }));
  const once = async ({ index, costs }: (typeof all)[number], round: number) => {
    progress(`round ${round + 1} of ${rounds.rounds}`);
    const run = await stopwatches.run(index);
    if (run.status !== 0) throw new Error(`status ${run.status} in round ${round}`);
    if (round >= 0) costs.add(run.wallNs / 1e6, [run]);
  };
  try {
    return await interleaved(all, rounds, once, ({ each }, { message }) => dropped(each, message));
  } finally {
    stopwatches.close();
  }
}
