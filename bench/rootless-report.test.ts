import { expect, test } from "bun:test";
import { type RootlessMeasured, rootlessTable } from "./rootless-report.ts";
import { seededRandom } from "./statistics.ts";

const row = (
  id: string,
  network: RootlessMeasured["about"]["network"],
  times: readonly number[],
): RootlessMeasured => ({
  about: { id, network, ids: "range", root: "fresh", seccomp: true },
  times,
  cpu: times.map((time) => time / 2),
  peakRss: 2048,
});

test("ratios are to podman with as much of a network, and to bubblewrap without one", () => {
  const table = rootlessTable(
    [
      row("bwrap", "none", [2, 2, 2]),
      row("podman-crun", "none", [20, 20, 20]),
      row("podman-crun", "slirp4netns", [40, 40, 40]),
      row("pivot", "none", [4, 4, 4]),
      row("pivot", "pasta", [10, 10, 10]),
    ],
    seededRandom(1),
  );
  const cells = table
    .split("\n")
    .slice(2)
    .map((line) => line.slice(2, -2).split(" | "))
    .map((each) => [each[0], each[1], each[6], ...each.slice(-2)]);
  expect(cells).toEqual([
    ["bwrap", "none", "2.00", "0.10 (0.10–0.10)", "1"],
    ["podman-crun", "none", "20.00", "1", "10.00 (10.00–10.00)"],
    ["podman-crun", "slirp4netns", "40.00", "1", "–"],
    ["pivot", "none", "4.00", "0.20 (0.20–0.20)", "2.00 (2.00–2.00)"],
    ["pivot", "pasta", "10.00", "0.25 (0.25–0.25)", "–"],
  ]);
});

test("a base that was left out, or of which a run failed, leaves a dash", () => {
  const [, , alone] = rootlessTable([row("pivot", "none", [4])], seededRandom(1)).split("\n");
  expect(alone).toEndWith("| – | – |");
  const uneven = [row("podman-crun", "none", [1, 2]), row("pivot", "none", [4])];
  expect(rootlessTable(uneven, seededRandom(1)).split("\n").at(-1)).toEndWith("| – | – |");
});
