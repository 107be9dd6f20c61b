import { expect, test } from "bun:test";
import { insertResult, type Measured, markdownTable, residentTable, timeTable } from "./report.ts";
import { seededRandom } from "./statistics.ts";

function measured(id: string, times: number[], cpu: number[], peakRss: number): Measured {
  return { about: { id, root: "fresh", cgroups: true, seccomp: false }, times, cpu, peakRss };
}

test("the time table gives milliseconds, MiB and the ratio to the base", () => {
  const rounds = [
    measured("floor", [1, 2, 3], [0.5, 0.5, 0.7], 1024),
    measured("crun", [4, 8, 12], [3, 2, 4], 3584),
    measured("library", [1, 2, 3], [], 0),
  ];
  expect(timeTable(rounds, "floor", seededRandom(1)).split("\n")).toEqual([
    "| case | root | cgroups | seccomp | min | median | p90 | CPU | peak RSS | of floor (95 %) |",
    "| --- | --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    "| floor | fresh | yes | no | 1.00 | 2.00 | 2.80 | 0.50 | 1.0 | 1 |",
    "| crun | fresh | yes | no | 4.00 | 8.00 | 11.20 | 3.00 | 3.5 | 4.00 (4.00–4.00) |",
    "| library | fresh | yes | no | 1.00 | 2.00 | 2.80 | – | – | 1.00 (1.00–1.00) |",
  ]);
});

test("a base that did not run is named", () => {
  expect(() => timeTable([measured("crun", [1], [], 0)], "floor", seededRandom(1))).toThrow(
    "the base floor",
  );
});

test("the memory table sums up what it is given, or says that nothing stays", () => {
  const table = residentTable([
    { id: "podman", mode: "detached", programs: ["conmon"], rss: 2048, pss: 512 },
    { id: "crun", mode: "detached", programs: [], rss: 0, pss: 0 },
  ]);
  expect(table).toContain("| podman | detached | conmon | 2.0 | 0.5 |");
  expect(table).toContain("| crun | detached | none | 0.0 | 0.0 |");
});

test("only columns of figures are right-aligned", () => {
  expect(markdownTable(["a", "b", "c"], [["1", "2", "x"]]).split("\n")[1]).toBe(
    "| --- | ---: | --- |",
  );
});

test("a result is appended once and replaced afterwards", () => {
  const first = insertResult("# Title\n\nText.\n", "one\n");
  expect(first).toBe(
    "# Title\n\nText.\n\n<!-- result of bench/start.ts: begin -->\none\n<!-- result of bench/start.ts: end -->\n",
  );
  const second = insertResult(`${first}\nAfter.\n`, "two");
  expect(second).toContain("begin -->\ntwo\n<!--");
  expect(second).not.toContain("one");
  expect(second).toEndWith("end -->\n\nAfter.\n");
  expect(insertResult(second, "two")).toBe(second);
});

test("a lone marker is refused, so that no text is lost", () => {
  const lone = "text\n<!-- result of bench/start.ts: begin -->\nmore\n";
  expect(() => insertResult(lone, "x")).toThrow("do not form a pair");
});

test("results of two scripts stand beside each other", () => {
  const first = insertResult("# Title\n", "one");
  const both = insertResult(first, "two", "bench/oci.ts");
  expect(both).toContain("<!-- result of bench/oci.ts: begin -->\ntwo\n<!--");
  expect(insertResult(both, "three")).toContain("two");
  expect(insertResult(both, "three")).not.toContain("one");
});
