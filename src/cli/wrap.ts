/** Two columns of text, the second wrapped to the width of the terminal. */

import { wrapLine } from "../explain/wrap-line.ts";

/** Of the terminal that is written to; elsewhere 80, and never too little to read. */
export function terminalWidth(fd: 1 | 2 = 1): number {
  const { columns } = fd === 1 ? process.stdout : process.stderr;
  return Math.max(40, columns ?? 80);
}

/** What fits stays as it is, with all its blanks. */
const linesOf = (text: string, width: number): readonly string[] =>
  text.length <= width ? [text] : wrapLine(text, width);

/**
 * Text in lines of at most so many characters. Lines that stand below each other flow together; one
 * that is indented, such as an example, stays as it is.
 */
export function wrapText(text: string, width: number): readonly string[] {
  const flowing: string[] = [];
  for (const line of text.split("\n")) {
    const before = flowing.at(-1);
    const isAlone = line === "" || line.startsWith(" ");
    if (isAlone || before === undefined || before === "" || before.startsWith(" ")) {
      flowing.push(line);
    } else {
      flowing[flowing.length - 1] = `${before} ${line}`;
    }
  }
  return flowing.flatMap((line) => (line.startsWith(" ") ? [line] : linesOf(line, width)));
}

/** A left text that is wider than this has a line of its own. */
const leftAtMost = 32;

/**
 * Each row's two texts beside each other, each line with its end. The second column begins at the
 * same place in all rows.
 */
export function twoColumns(
  rows: readonly (readonly [left: string, right: string])[],
  width: number,
): string {
  const most = Math.min(leftAtMost, Math.floor(width / 2));
  const widths = rows.map(([left]) => left.length).filter((each) => each <= most);
  const column = Math.max(0, ...widths) + 2;
  return rows
    .map(([left, right]) => {
      const lines = wrapText(right, width - column);
      const own = left.length + 2 > column;
      const first = own ? `${left}\n${" ".repeat(column)}` : left.padEnd(column);
      return `${first}${lines.join(`\n${" ".repeat(column)}`)}\n`.replaceAll(/ +\n/g, "\n");
    })
    .join("");
}
