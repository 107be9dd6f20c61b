import { describe, expect, test } from "bun:test";
import { array, assert, double, integer, property } from "fast-check";
import {
  differenceOfMedians,
  median,
  quantile,
  ratioOfMedians,
  seededRandom,
  shuffled,
  summarize,
} from "./statistics.ts";

const samples = array(double({ min: 0.001, max: 1e9, noNaN: true }), {
  minLength: 1,
  maxLength: 50,
});

describe("quantile", () => {
  test("interpolates between neighbours", () => {
    expect(quantile([10, 20, 30, 40], 0.5)).toBe(25);
    expect(quantile([10, 20, 30, 40, 50], 0.9)).toBe(46);
    expect(quantile([7], 0.9)).toBe(7);
  });

  test("refuses an empty list and a share outside 0 to 1", () => {
    expect(() => quantile([], 0.5)).toThrow("quantile of no samples");
    expect(() => quantile([1], 1.5)).toThrow("1.5 lies outside 0 to 1");
    expect(() => quantile([1], Number.NaN)).toThrow(RangeError);
  });

  test("grows with its share and stays within the samples", () => {
    const share = double({ min: 0, max: 1, noNaN: true });
    assert(
      property(samples, share, share, (values, a, b) => {
        const ascending = values.toSorted((x, y) => x - y);
        const low = quantile(ascending, Math.min(a, b));
        const high = quantile(ascending, Math.max(a, b));
        // Interpolation rounds: allow the last bit of a double.
        expect(low).toBeLessThanOrEqual(high * (1 + 1e-15));
        expect(low).toBeGreaterThanOrEqual(quantile(ascending, 0));
        expect(high).toBeLessThanOrEqual(quantile(ascending, 1) * (1 + 1e-15));
      }),
    );
  });
});

describe("summaries", () => {
  test("sort by value, not by text, and leave the samples as they are", () => {
    const values = [100, 9, 10, 1, 8, 2, 7, 3, 6, 4, 5];
    expect(median(values)).toBe(6);
    expect(summarize(values)).toEqual({ min: 1, median: 6, p90: 10 });
    expect(values).toEqual([100, 9, 10, 1, 8, 2, 7, 3, 6, 4, 5]);
  });

  test("do not depend on the order of the samples", () => {
    assert(
      property(samples, integer(), (values, seed) => {
        expect(summarize(shuffled(values, seededRandom(seed)))).toEqual(summarize(values));
      }),
    );
  });
});

describe("ratio of medians", () => {
  test("of proportional samples is exact, however noisy the rounds", () => {
    const random = seededRandom(3);
    const base = Array.from({ length: 40 }, () => 1 + 9 * random());
    const twice = base.map((value) => 2 * value);
    expect(ratioOfMedians(twice, base, random)).toEqual({ ratio: 2, low: 2, high: 2 });
  });

  test("needs pairs", () => {
    expect(() => ratioOfMedians([1, 2], [1], seededRandom(1))).toThrow("2 samples");
    expect(() => ratioOfMedians([], [], seededRandom(1))).toThrow("no samples");
  });

  test("has an interval that holds the true ratio about as often as it says", () => {
    const random = seededRandom(11);
    // Skewed like run times: a floor plus an exponential tail. The true ratio is 1.5.
    const draw = (scale: number) => scale * (2 - Math.log(1 - random()));
    let held = 0;
    for (let experiment = 0; experiment < 200; experiment++) {
      const base = Array.from({ length: 40 }, () => draw(1));
      const other = Array.from({ length: 40 }, () => draw(1.5));
      const { low, high } = ratioOfMedians(other, base, random, 200);
      expect(low).toBeLessThanOrEqual(high);
      if (low <= 1.5 && 1.5 <= high) held += 1;
    }
    expect(held).toBeGreaterThan(180);
    expect(held).toBeLessThan(200);
  });

  test("has an interval that narrows with more rounds", () => {
    const random = seededRandom(5);
    const width = (rounds: number) => {
      const base = Array.from({ length: rounds }, () => 1 + random());
      const other = Array.from({ length: rounds }, () => 1 + random());
      const { low, high } = ratioOfMedians(other, base, random, 500);
      return high - low;
    };
    expect(width(400)).toBeLessThan(width(10));
  });
});

describe("difference of medians", () => {
  test("of samples that lie apart by as much in each round is exact", () => {
    const random = seededRandom(3);
    const base = Array.from({ length: 40 }, () => Math.floor(1 + 9 * random()));
    const later = base.map((value) => value + 2);
    expect(differenceOfMedians(later, base, random)).toEqual({ difference: 2, low: 2, high: 2 });
    expect(differenceOfMedians(base, later, random).difference).toBe(-2);
  });

  test("has an interval around it where rounds differ, and needs pairs", () => {
    const random = seededRandom(4);
    const base = Array.from({ length: 30 }, () => random());
    const other = Array.from({ length: 30 }, () => 3 + random());
    const { difference, low, high } = differenceOfMedians(other, base, random, 500);
    expect(low).toBeLessThan(difference);
    expect(high).toBeGreaterThan(difference);
    expect(high - low).toBeLessThan(1);
    expect(() => differenceOfMedians([1, 2], [1], random)).toThrow("2 samples");
  });
});

describe("random order", () => {
  test("keeps every item", () => {
    assert(
      property(array(integer()), integer(), (items, seed) => {
        const order = shuffled(items, seededRandom(seed));
        expect(order.toSorted((a, b) => a - b)).toEqual(items.toSorted((a, b) => a - b));
      }),
    );
  });

  test("gives each of the six orders of three items its share", () => {
    const random = seededRandom(1);
    const seen = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = shuffled(["a", "b", "c"], random).join("");
      seen.set(order, (seen.get(order) ?? 0) + 1);
    }
    expect(seen.size).toBe(6);
    // Four standard deviations of a binomial with n = 6000, p = 1/6.
    for (const count of seen.values()) expect(Math.abs(count - 1000)).toBeLessThan(116);
  });

  test("depends on the seed alone", () => {
    const items = [1, 2, 3, 4, 5, 6, 7, 8];
    expect(shuffled(items, seededRandom(9))).toEqual(shuffled(items, seededRandom(9)));
    expect(shuffled(items, seededRandom(9))).not.toEqual(shuffled(items, seededRandom(10)));
  });
});
