// The result of oci.ts as Markdown.

import type { Left } from "./oci-memory.ts";
import { type Cost, costCells, costHead, markdownTable, mib, ratioCell } from "./report.ts";
import type { Random } from "./statistics.ts";

/** All measured of one row. */
export interface Series extends Cost {
  readonly title: string;
  readonly config: string;
  readonly runtime: string;
}

/** The runtimes that ratios refer to; none to itself. */
const bases = ["crun", "runc"] as const;

/**
 * The table of times. A ratio of 2 says: takes twice the time of that runtime. Rows whose base was
 * not measured have none.
 */
export function callTable(series: readonly Series[], random: Random): string {
  const rows = series.map((each) => {
    const ratios = bases.map((name) => {
      const base = series.find(
        (other) =>
          other.runtime === name && other.title === each.title && other.config === each.config,
      );
      return ratioCell(each.times, base?.times, random);
    });
    return [each.title, each.config, each.runtime, ...costCells(each), ...ratios];
  });
  const head = ["call", "configuration", "runtime", ...costHead];
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
