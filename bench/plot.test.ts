import { describe, expect, test } from "bun:test";
import { niceCeiling, plotSvg, ticksTo } from "./plot.ts";

describe("axes", () => {
  test("steps are 1, 2 or 5 times a power of ten", () => {
    expect([0.3, 1, 1.1, 4, 7, 20, 21].map(niceCeiling)).toEqual([0.5, 1, 2, 5, 10, 20, 50]);
  });

  test("they begin at 0 and end beyond the largest value", () => {
    expect(ticksTo(23)).toEqual([0, 5, 10, 15, 20, 25]);
    expect(ticksTo(1)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    for (const largest of [0.07, 3, 12.5, 99, 1234]) {
      const ticks = ticksTo(largest);
      expect(ticks.at(-1)).toBeGreaterThanOrEqual(largest);
      expect(ticks.length).toBeWithin(3, 8);
    }
  });
});

describe("a plot", () => {
  const panel = {
    title: "a < b",
    xLabel: "containers",
    yLabel: "ms",
    lines: [{ name: "start", points: [1, 10, 100].map((x) => ({ x, y: 5, low: 4, high: 10 })) }],
  };

  test("puts a decade at equal distances, and larger values higher", () => {
    const svg = plotSvg([panel], "what it shows");
    const circles = [...svg.matchAll(/cx="([\d.]+)" cy="([\d.]+)"/g)].map(([, x, y]) => [x, y]);
    const [one = [], ten = [], hundred = []] = circles.map((each) => each.map(Number));
    expect((hundred[0] ?? 0) - (ten[0] ?? 0)).toBeCloseTo((ten[0] ?? 0) - (one[0] ?? 0), 0);
    // 5 of 10, in the middle of the plot.
    expect(one[1]).toBeCloseTo((44 + 300 - 48) / 2, 0);
  });

  test("is well-formed, with names escaped, and follows the theme", () => {
    const svg = plotSvg([panel, panel], "x & y");
    expect(svg).toContain("<title>x &amp; y</title>");
    expect(svg).toContain("a &lt; b");
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg.match(/<g>/g)).toHaveLength(2);
    const opened = [...svg.matchAll(/<(\w+)(?:\s(?:[^>]*[^/>])?)?>/g)]
      .map(([, name]) => name)
      .sort();
    const closed = [...svg.matchAll(/<\/(\w+)>/g)].map(([, name]) => name).sort();
    expect(opened).toEqual(closed);
  });

  test("of nothing is an error", () => {
    expect(() => plotSvg([{ ...panel, lines: [] }], "")).toThrow(/has no points/);
  });
});
