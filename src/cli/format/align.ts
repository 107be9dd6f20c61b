/** Columns for text with tabs, as text/tabwriter of Go does for docker. */

/** How wide a text stands on a terminal. */
const widthOf = (text: string): number => Bun.stringWidth(text);

/**
 * A cell ends with a tab; cells above each other in consecutive lines make a column. What follows
 * the last tab of a line is no cell and is not padded.
 *
 * @param minimum of a column, with its padding
 * @param padding blanks after the widest cell
 */
export function alignColumns(text: string, minimum = 10, padding = 3): string {
  const lines = text.split("\n").map((line) => line.split("\t"));
  const widths = lines.map((cells) => cells.map(() => 0));
  const column = (from: number, to: number, at: number): void => {
    for (let first = from; first < to; first++) {
      if ((lines[first]?.length ?? 0) - 1 <= at) continue;
      let last = first;
      let width = minimum;
      for (; last < to && (lines[last]?.length ?? 0) - 1 > at; last++) {
        width = Math.max(width, widthOf(lines[last]?.[at] ?? "") + padding);
      }
      for (let i = first; i < last; i++) {
        const line = widths[i];
        if (line !== undefined) line[at] = width;
      }
      column(first, last, at + 1);
      first = last;
    }
  };
  column(0, lines.length, 0);
  return lines
    .map((cells, i) =>
      cells
        .map((cell, at) => {
          const width = at === cells.length - 1 ? 0 : (widths[i]?.[at] ?? 0);
          return cell + " ".repeat(Math.max(0, width - widthOf(cell)));
        })
        .join(""),
    )
    .join("\n");
}
