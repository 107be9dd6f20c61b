// Order statistics of samples, and how sure one can be of a ratio of medians.

/** A source of numbers in [0, 1), like `Math.random` but with a seed. */
export type Random = () => number;

/** What a benchmark table shows of one case, in the unit of the samples. */
export interface Summary {
  readonly min: number;
  readonly median: number;
  readonly p90: number;
}

/** A figure with the bounds of its 95 % confidence interval. */
export interface Interval {
  readonly low: number;
  readonly high: number;
}

/** A ratio of medians. */
export interface Ratio extends Interval {
  readonly ratio: number;
}

/** A difference of medians, in the unit of the samples. */
export interface Difference extends Interval {
  readonly difference: number;
}

/**
 * The `q`-quantile (0 to 1) of samples in ascending order, linear between neighbours
 * (type 7 of Hyndman and Fan, as in R and NumPy).
 * Throws RangeError when there is no sample or `q` lies outside 0 to 1.
 */
export function quantile(ascending: ArrayLike<number>, q: number): number {
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile ${q} lies outside 0 to 1`);
  const position = (ascending.length - 1) * q;
  const below = Math.floor(position);
  const low = ascending[below];
  const high = ascending[Math.ceil(position)];
  if (low === undefined || high === undefined) throw new RangeError("quantile of no samples");
  return low + (high - low) * (position - below);
}

/** The median of samples in any order. Throws RangeError when there is none. */
export function median(samples: readonly number[]): number {
  return quantile(Float64Array.from(samples).sort(), 0.5);
}

/** Minimum, median and 90th percentile. Throws RangeError when there is no sample. */
export function summarize(samples: readonly number[]): Summary {
  const ascending = Float64Array.from(samples).sort();
  return {
    min: quantile(ascending, 0),
    median: quantile(ascending, 0.5),
    p90: quantile(ascending, 0.9),
  };
}

/**
 * Median of `samples` over median of `base`, with a confidence interval: `confidence`.
 * Throws RangeError when the two differ in length or are empty.
 */
export function ratioOfMedians(
  samples: readonly number[],
  base: readonly number[],
  random: Random,
  resamples = 2000,
): Ratio {
  const over = (above: number, below: number) => above / below;
  const interval = confidence(samples, base, over, random, resamples);
  return { ratio: median(samples) / median(base), ...interval };
}

/**
 * Median of `samples` less that of `base`, with a confidence interval: `confidence`.
 * Throws RangeError when the two differ in length or are empty.
 */
export function differenceOfMedians(
  samples: readonly number[],
  base: readonly number[],
  random: Random,
  resamples = 2000,
): Difference {
  const less = (from: number, taken: number) => from - taken;
  const interval = confidence(samples, base, less, random, resamples);
  return { difference: median(samples) - median(base), ...interval };
}

/**
 * The 95 % confidence interval of a figure made of two medians, by bootstrap (percentile method, Efron
 * and Tibshirani, ch. 13).
 *
 * Sample i of both comes from round i, so whole rounds are resampled: what slowed both
 * down in a round then cancels out, as it does in the figure itself.
 */
function confidence(
  samples: readonly number[],
  base: readonly number[],
  figure: (median: number, medianOfBase: number) => number,
  random: Random,
  resamples: number,
): Interval {
  if (samples.length !== base.length) {
    throw new RangeError(`${samples.length} samples cannot be paired with ${base.length}`);
  }
  const rounds = samples.length;
  const own = new Float64Array(rounds);
  const others = new Float64Array(rounds);
  const figures = new Float64Array(resamples);
  for (let i = 0; i < resamples; i++) {
    for (let j = 0; j < rounds; j++) {
      const round = Math.floor(random() * rounds);
      own[j] = samples[round] ?? Number.NaN;
      others[j] = base[round] ?? Number.NaN;
    }
    figures[i] = figure(quantile(own.sort(), 0.5), quantile(others.sort(), 0.5));
  }
  figures.sort();
  return { low: quantile(figures, 0.025), high: quantile(figures, 0.975) };
}

/** A seeded generator of 32-bit quality: the `mulberry32` mixer over a Weyl sequence. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The items in a random order, each order equally likely: every item goes in at random. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result: T[] = [];
  for (const item of items) result.splice(Math.floor(random() * (result.length + 1)), 0, item);
  return result;
}
