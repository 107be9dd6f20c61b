// What the meetings of programs and runtimes come to: a line for each program, the table, the count.

import type { Expectation } from "./expectations.ts";
import type { Verdict } from "./verdict.ts";

/** One program: what came of it under each runtime, by the runtime's name. */
export type Row = {
  readonly program: string;
  readonly verdicts: ReadonlyMap<string, Verdict>;
  readonly expectation: Expectation | undefined;
};

const saysNothingOfPeers = ({ race }: Expectation): boolean => race === true;

/** `explained`: it did not pass, its entry says why, and no peer shows that it could. */
export type Outcome = "passed" | "failed" | "explained";

/**
 * @param tested the runtime under test; every other one in the row is its peer
 * @returns the outcome, and a line that says why, with the peers that pass where it does not
 */
export function outcomeOf(row: Row, tested: string): { outcome: Outcome; line: string } {
  const { program, verdicts, expectation } = row;
  const verdict = verdicts.get(tested) ?? { passed: false, why: "it was not run" };
  if (verdict.passed) {
    const stale =
      expectation === undefined || saysNothingOfPeers(expectation)
        ? ""
        : ` (its entry in expectations.ts says that it cannot: ${expectation.why})`;
    return { outcome: "passed", line: `pass       ${program}${stale}` };
  }
  const better = [...verdicts].filter(([name, { passed }]) => name !== tested && passed);
  const peers = better.length > 0 ? ` [${better.map(([name]) => name).join(", ")} passes]` : "";
  if (expectation === undefined || (better.length > 0 && !saysNothingOfPeers(expectation))) {
    return { outcome: "failed", line: `FAIL       ${program}: ${verdict.why}${peers}` };
  }
  return { outcome: "explained", line: `explained  ${program}: ${expectation.why}${peers}` };
}

/** A line for each program, a column for each runtime, and how many each passes. */
export function table(rows: readonly Row[], runtimes: readonly string[]): string {
  const width = Math.max(...rows.map(({ program }) => program.length));
  const columns = runtimes.map((name) => name.padEnd(Math.max(7, name.length)));
  const line = (first: string, cells: readonly string[]): string =>
    [first.padEnd(width), ...cells.map((cell, i) => cell.padEnd(columns[i]?.length ?? 0))]
      .join("  ")
      .trimEnd();
  const passes = (row: Row, name: string): boolean => row.verdicts.get(name)?.passed === true;
  return [
    line("", columns),
    ...rows.map((row) =>
      line(
        row.program,
        runtimes.map((name) => (passes(row, name) ? "pass" : "–")),
      ),
    ),
    line(
      `of ${rows.length}`,
      runtimes.map((name) => String(rows.filter((row) => passes(row, name)).length)),
    ),
  ].join("\n");
}

/** The closing line; what is explained counts as skipped, since it is neither. */
export function tally(rows: readonly Row[], tested: string): { line: string; failed: number } {
  const count = { passed: 0, failed: 0, explained: 0 };
  for (const row of rows) count[outcomeOf(row, tested).outcome] += 1;
  const skipped = count.explained > 0 ? `, ${count.explained} skipped` : "";
  return { line: `${count.passed} passed, ${count.failed} failed${skipped}`, failed: count.failed };
}
