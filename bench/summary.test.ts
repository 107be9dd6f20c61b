import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { insertResult } from "./report.ts";
import { summaryOf, summaryScript } from "./summary.ts";

const result = (script: string, rows: readonly string[]): string =>
  insertResult("", `${rows.join("\n")}\n`, script);

const starts = result("bench/start.ts", [
  "- Date: 2026-01-01",
  "",
  "| case | median | peak RSS |",
  "| --- | ---: | ---: |",
  "| floor | 5.00 | 1.0 |",
  "| crun | 20.00 | 4.0 |",
  "| runc | 24.00 | 10.0 |",
  "| pivot | 10.00 | 40.0 |",
]);

test("each figure with what it is of pivot's, and the goals", () => {
  expect(summaryOf(starts)).toBe(
    [
      "| what | pivot | floor | runc | crun | bubblewrap | podman | docker | goal |",
      "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
      "| `run` of `true`, isolated as by docker, ms | 10.0 | 5.00 (2.00) | 24.0 (0.42) | 20.0 (0.50) | – | – | – | crun ≤ 1: yes; runc ≤ 0.4: no |",
      "| peak memory of `run`, MiB | 40.0 | – | 10.0 (4.00) | 4.00 (10.00) | – | – | – | – |",
    ].join("\n"),
  );
});

test("what nobody has measured is not there", () => {
  expect(summaryOf("# Benchmarks\n").split("\n")).toHaveLength(2);
});

test("docs/benchmarks.md has the table of its own results", () => {
  const path = new URL("../docs/benchmarks.md", import.meta.url);
  const document = readFileSync(path, "utf8");
  expect(insertResult(document, summaryOf(document), summaryScript)).toBe(document);
});
