// The result of oci.ts as Markdown.

import type { Left } from "./oci-memory.ts";
import { markdownTable, mib, ms } from "./report.ts";
import { median, type Random, ratioOfMedians, summarize } from "./statistics.ts";

/** All measured of one row: one value per round. */
export interface Series {
  readonly title: string;
  readonly config: string;
  readonly runtime: string;
  /** Milliseconds. */
  readonly times: readonly number[];
  /** Milliseconds of user and system time. */
  readonly cpu: readonly number[];
  /** KiB resident of the largest process, over all runs. */
  readonly peakRss: number;
}

/** The runtimes that ratios refer to; none to itself. */
const bases = ["crun", "runc"] as const;

/**
 * The table of times. A ratio of 2 says: takes twice the time of that runtime. Rows whose base was
 * not measured have none.
 */
export function callTable(series: readonly Series[], random: Random): string {
  const rows = series.map((each) => {
    const { min, median: middle, p90 } = summarize(each.times);
    const ratios = bases.map((name) => {
      if (each.runtime === name) return "1";
      const base = series.find(
        (other) =>
          other.runtime === name && other.title === each.title && other.config === each.config,
      );
      if (base === undefined || base.times.length !== each.times.length) return "–";
      const { ratio, low, high } = ratioOfMedians(each.times, base.times, random);
      return `${ms(ratio)} (${ms(low)}–${ms(high)})`;
    });
    const figures = [ms(min), ms(middle), ms(p90), ms(median(each.cpu)), mib(each.peakRss)];
    return [each.title, each.config, each.runtime, ...figures, ...ratios];
  });
  const head = ["call", "configuration", "runtime", "min", "median", "p90", "CPU", "peak RSS"];
  return markdownTable([...head, ...bases.map((name) => `of ${name} (95 %)`)], rows);
}

/** The table of what stays in memory when a command has returned. */
export function leftTable(left: readonly Left[]): string {
  const rows = left.map(({ runtime, status, programs, rss, pss }) => {
    const names = programs.length > 0 ? programs.toSorted().join(", ") : "none";
    return [runtime, status, names, mib(rss), mib(pss)];
  });
  return markdownTable(["runtime", "container", "processes", "RSS", "PSS"], rows);
}
