// Rounds: all that is compared once in each of them, in a new random order, so that a slow moment of the
// machine meets all alike.

import type { Cost } from "./report.ts";
import { type Random, shuffled } from "./statistics.ts";
import type { Run } from "./stopwatch.ts";

/** How many, and by which chance; rounds to warm up have numbers below zero. */
export interface Rounds {
  readonly rounds: number;
  readonly warmup: number;
  readonly random: Random;
  readonly interrupted: AbortSignal;
}

/**
 * Does each item once a round. An item that fails is left out from then on.
 *
 * @param once one measurement; what it finds in a round below zero does not count
 * @param dropped told of an item that failed, before the next one begins
 * @returns the items that never failed, in their order
 * @throws what the signal was aborted with
 */
export async function interleaved<T>(
  items: readonly T[],
  { rounds, warmup, random, interrupted }: Rounds,
  once: (item: T, round: number) => Promise<void>,
  dropped: (item: T, error: Error, round: number) => void,
): Promise<T[]> {
  let running = [...items];
  for (let round = -warmup; round < rounds; round++) {
    for (const item of shuffled(running, random)) {
      interrupted.throwIfAborted();
      try {
        await once(item, round);
      } catch (error) {
        running = running.filter((other) => other !== item);
        dropped(item, error instanceof Error ? error : new Error(String(error)), round);
      }
    }
  }
  return running;
}

/** What the runs of a row cost, added up round by round. */
export class Costs implements Cost {
  readonly times: number[] = [];
  readonly cpu: number[] = [];
  peakRss = 0;

  /**
   * Notes the runs of a round.
   *
   * @param time milliseconds of all of them
   */
  add(time: number, runs: readonly Run[]): void {
    this.times.push(time);
    this.cpu.push(runs.reduce((total, run) => total + (run.userUs + run.sysUs) / 1e3, 0));
    this.peakRss = Math.max(this.peakRss, ...runs.map(({ maxRssKb }) => maxRssKb));
  }
}
