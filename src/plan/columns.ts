// Text in columns: of plans, mounts and whatever else people read as a table.

/**
 * Lines whose columns are as wide as what is in them, without spaces at their ends.
 *
 * @param rows the first says how many columns there are
 * @param gap what stands between two columns
 */
export function inColumns(rows: readonly (readonly string[])[], gap = "  "): string[] {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, i) => cell.padEnd(widths[i] ?? 0))
      .join(gap)
      .trimEnd(),
  );
}
