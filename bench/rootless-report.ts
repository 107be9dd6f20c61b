// The result of rootless.ts as Markdown.

import { type Cost, costCells, costHead, markdownTable, ratioCell, yes } from "./report.ts";
import type { RootlessCase } from "./rootless-cases.ts";
import type { Random } from "./statistics.ts";

export interface RootlessMeasured extends Cost {
  readonly about: Pick<RootlessCase, "id" | "network" | "ids" | "root" | "seccomp">;
}

const isConnected = (network: RootlessCase["network"]): boolean =>
  network === "pasta" || network === "slirp4netns";

/**
 * The table of times. A ratio of 2 says: takes twice the time. podman's is that of the rows which have a
 * network, or have none, alike; bubblewrap's is that of those which have none.
 */
export function rootlessTable(measured: readonly RootlessMeasured[], random: Random): string {
  const timesOf = (id: string, connected: boolean) =>
    measured.find(({ about }) => about.id === id && isConnected(about.network) === connected)
      ?.times;
  const rows = measured.map((each) => {
    const { id, network, ids, root, seccomp } = each.about;
    const connected = isConnected(network);
    const ratios = [
      timesOf("podman-crun", connected),
      connected ? undefined : timesOf("bwrap", false),
    ];
    return [
      id,
      network,
      ids,
      root,
      yes(seccomp),
      ...costCells(each),
      ...ratios.map((base) => ratioCell(each.times, base, random)),
    ];
  });
  const head = ["case", "network", "ids", "root", "seccomp", ...costHead];
  return markdownTable([...head, "of podman-crun (95 %)", "of bwrap (95 %)"], rows);
}
