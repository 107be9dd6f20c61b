// The result of networks.ts as Markdown.

import type { SetupMeasured } from "./network-setup.ts";
import { costCells, costHead, markdownTable, ms, ratioCell } from "./report.ts";
import { differenceOfMedians, median, type Random, summarize } from "./statistics.ts";
import type { Throughput } from "./throughput.ts";

const base = "podman";

/**
 * The table of starts. What the network takes is the difference to the start without one of the same
 * engine; its share is a part of the whole start. A ratio of 2 says: takes twice podman's time.
 */
export function setupTable(measured: readonly SetupMeasured[], random: Random): string {
  const timesOf = (engine: string, connection: string) =>
    measured.find((each) => each.engine === engine && each.connection === connection)?.times;
  const rows = measured.map((each) => {
    const { engine, connection, times } = each;
    const ratio = ratioCell(times, timesOf(base, connection), random);
    const share = shareOf(times, timesOf(engine, "none"), random);
    return [engine, connection, ...costCells(each), ...share, ratio];
  });
  const head = ["engine", "network", ...costHead, "the network (95 %)", "its share"];
  return markdownTable([...head, `of ${base} (95 %)`], rows);
}

function shareOf(
  times: readonly number[],
  without: readonly number[] | undefined,
  random: Random,
): [string, string] {
  if (without === undefined || without === times || without.length !== times.length) {
    return ["–", "–"];
  }
  const { difference, low, high } = differenceOfMedians(times, without, random);
  const share = difference / median(times);
  return [`${ms(difference)} (${ms(low)}–${ms(high)})`, `${(100 * share).toFixed(0)} %`];
}

/** Who connects containers of root, and who those of users: each has podman's to compare with. */
const isBridge = (network: string): boolean => network === "bridge" || network === "host";

const ways: readonly Throughput["way"][] = [
  "host to container",
  "outside to published port",
  "container to outside",
];

/** The table of throughput, way by way. A ratio of 2 says: twice as much goes through as with podman's. */
export function throughputTable(measured: readonly Throughput[], random: Random): string {
  const groups = ways.flatMap((way) =>
    (["in", "out"] as const).map((data) =>
      measured.filter((each) => each.way === way && each.data === data),
    ),
  );
  const rows = groups.flatMap((group) =>
    group.map(({ engine, network, way, data, rates }) => {
      const reference = group.find(
        (other) => other.engine === base && isBridge(other.network) === isBridge(network),
      );
      const { min, median: middle } = summarize(rates);
      const figures = [min, middle, Math.max(...rates)].map((rate) => rate.toFixed(2));
      return [way, data, engine, network, ...figures, ratioCell(rates, reference?.rates, random)];
    }),
  );
  const head = ["connection", "data", "engine", "network", "min", "median", "max"];
  return markdownTable([...head, `of ${base} (95 %)`], rows);
}
