import { expect, test } from "bun:test";
import { callTable, leftTable, type Series } from "./oci-report.ts";
import { seededRandom } from "./statistics.ts";

function series(runtime: string, config: string, times: number[]): Series {
  return { title: "start", config, runtime, times, cpu: times, peakRss: 2048 };
}

test("a row is compared with the same call of the same configuration", () => {
  const all = [
    series("crun", "plain", [2, 2, 2]),
    series("crun", "full", [4, 4, 4]),
    series("runc", "full", [8, 8, 8]),
    series("pivot-oci", "full", [1, 2, 3]),
  ];
  const lines = callTable(all, seededRandom(1)).split("\n");
  expect(lines[0]).toContain("| of crun (95 %) | of runc (95 %) |");
  expect(lines[2]).toBe("| start | plain | crun | 2.00 | 2.00 | 2.00 | 2.00 | 2.0 | 1 | – |");
  expect(lines[4]).toContain("| 2.00 (2.00–2.00) | 1 |");
  expect(lines[5]).toStartWith(
    "| start | full | pivot-oci | 1.00 | 2.00 | 2.80 | 2.00 | 2.0 | 0.50",
  );
  expect(lines[5]).toContain("| 0.25 (");
});

test("what nobody keeps is said to be none", () => {
  const left = { runtime: "crun", status: "running", programs: [], rss: 0, pss: 0 } as const;
  expect(leftTable([left])).toContain("| crun | running | none | 0.0 | 0.0 |");
});
