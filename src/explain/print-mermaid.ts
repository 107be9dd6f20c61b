/** The explanation as two diagrams of Mermaid: who takes which step when, and the mounts at the end. */

import type { MountinfoRow } from "../simulator/mountinfo.ts";
import type { ExplainedStep, Explanation } from "./explanation.ts";
import { propagationText } from "./table-change.ts";

/** Text of a label: what Mermaid or HTML would read as its own is written by number. */
const label = (text: string): string =>
  text
    .replace(/[\p{Cc}]/gu, " ")
    .replace(/[#;"<>&%{}|`\\[\]]/g, (each) => `#${each.codePointAt(0)};`);

const shorten = (text: string, most: number): string =>
  text.length > most ? `${text.slice(0, most - 1)}…` : text;

/** Steps that follow each other, of one actor, for one reason, by one operation. */
function runs(steps: readonly ExplainedStep[]): ExplainedStep[][] {
  const kind = ({ by, operation, why }: ExplainedStep): string =>
    `${by} ${operation} ${why.replace(/\d+|\..*$/g, "")}`;
  const found: ExplainedStep[][] = [];
  for (const step of steps) {
    const last = found.at(-1);
    if (last?.[0] !== undefined && kind(last[0]) === kind(step)) last.push(step);
    else found.push([step]);
  }
  return found;
}

function sequence(steps: readonly ExplainedStep[]): string[] {
  const lines = ["sequenceDiagram", "    participant parent", "    participant init"];
  let by = "parent";
  for (const run of runs(steps)) {
    const [first, ...more] = run;
    if (first === undefined) continue;
    if (first.by !== by) {
      lines.push(`    ${by}->>${first.by}: your turn`);
      by = first.by;
    }
    const what = label(shorten(first.what, 60));
    const text =
      more.length === 0
        ? `${first.number}. ${what}`
        : `${first.number} to ${more.at(-1)?.number}. ${what}, and ${more.length} more`;
    lines.push(
      first.operation === "clone"
        ? `    parent->>init: ${text}`
        : `    ${first.by}->>${first.by}: ${text}`,
    );
  }
  return lines;
}

function flow(rows: readonly MountinfoRow[]): string[] {
  const known = new Set(rows.map(({ id }) => id));
  return [
    "flowchart TD",
    ...rows.map(
      (row) =>
        `    m${row.id}["${label(row.mountpoint)}<br>${label(row.type)} ${label(row.flags)}<br>${label(propagationText(row))}"]`,
    ),
    ...rows
      .filter(({ id, parent }) => parent !== id && known.has(parent))
      .map(({ id, parent }) => `    m${parent} --> m${id}`),
  ];
}

/** In Markdown, since a file of Mermaid holds one diagram: GitHub shows both, mmdc makes two files. */
export function explanationAsMermaid({ title, steps, mounts }: Explanation): string {
  const fenced = (lines: readonly string[]): string[] => ["```mermaid", ...lines, "```"];
  return `${[
    `Who does what, and when: ${label(title)}`,
    "",
    ...fenced(sequence(steps)),
    ...(mounts === null
      ? []
      : ["", "The container's mounts when its program begins:", "", ...fenced(flow(mounts))]),
  ].join("\n")}\n`;
}
