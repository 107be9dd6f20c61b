/** The explanation for a terminal: in paragraphs as wide as it, in colour where that is shown. */

import type { ExplainedStep, Explanation, Prediction } from "./explanation.ts";
import { changeLines, inOrder, rowText } from "./table-change.ts";
import { wrapLine } from "./wrap-line.ts";

/** What the shorter reasons mean. */
export const whyLegend =
  "A why such as mounts[0] or linux.seccomp names what asks for the step in the OCI configuration, as a config.json has it.";

/** How words are set off; each gives its text back where there are no colours. */
export type Paint = {
  readonly strong: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly added: (text: string) => string;
  readonly removed: (text: string) => string;
  readonly changed: (text: string) => string;
};

const same = (text: string): string => text;
export const plain: Paint = {
  strong: same,
  faint: same,
  added: same,
  removed: same,
  changed: same,
};

const ansi =
  (code: number) =>
  (text: string): string =>
    `\u001b[${code}m${text}\u001b[0m`;
export const coloured: Paint = {
  strong: ansi(1),
  faint: ansi(2),
  added: ansi(32),
  removed: ansi(31),
  changed: ansi(33),
};

export type TextSettings = {
  /** Characters in a line. */
  readonly width: number;
  readonly paint: Paint;
  /** What is done and how, and no more. */
  readonly brief: boolean;
  /** The whole table of mounts, and not only what changes. */
  readonly whole: boolean;
};

/** Without the characters that could steer a terminal, or turn a text around. */
const visible = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Bidi_Control}]/gu,
    (each) => `\\x${(each.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
  );

const indent = 9;

/** `label    text`, the text wrapped beside its label. */
function paragraph(label: string, text: string, { width, paint }: TextSettings): string {
  const lines = wrapLine(visible(text), Math.max(20, width - indent));
  return `${paint.faint(label.padEnd(indent))}${lines.join(`\n${" ".repeat(indent)}`)}`;
}

/** Lines as they are, cut where the terminal ends only by the terminal: they are to be copied. */
function verbatim(label: string, lines: readonly string[], { paint }: TextSettings): string {
  return lines
    .map((line, i) => `${paint.faint((i === 0 ? label : "").padEnd(indent))}${visible(line)}`)
    .join("\n");
}

function mounts(prediction: Prediction, settings: TextSettings): string[] {
  const { paint, whole } = settings;
  const { before, after, changes, of, failure } = prediction;
  const marks = { "+": paint.added, "-": paint.removed, "~": paint.changed };
  const lines = changeLines(changes).map(({ mark, text }) => marks[mark](visible(text)));
  const unchanged = after.length - changes.filter(({ mark }) => mark !== "-").length;
  const changed = new Set(changes.map(({ row }) => row.id));
  const rest = after
    .filter(({ id }) => !changed.has(id))
    .map((row) => `  ${visible(rowText(row))}`);
  const head = `of ${of}: ${before.length} before, ${after.length} after${lines.length === 0 ? ", none changed" : ""}`;
  const told = whole
    ? rest
    : unchanged > 0 && lines.length > 0
      ? [paint.faint(`  ${unchanged} as before`)]
      : [];
  const pad = " ".repeat(indent);
  return [
    `${paint.faint("mounts".padEnd(indent))}${head}`,
    ...[...lines, ...told].map((line) => pad + line),
    ...(failure === null ? [] : [paragraph("fails", failure, settings)]),
  ];
}

function step(each: ExplainedStep, total: number, settings: TextSettings): string {
  const { paint, brief, whole } = settings;
  const title = `${String(each.number).padStart(String(total).length)}  ${each.by.padEnd(6)}  ${visible(each.what)}`;
  const shell = verbatim("shell", each.shell, settings);
  if (brief) return [paint.strong(title), ...(each.shell.length === 0 ? [] : [shell])].join("\n");
  const { prediction } = each;
  const tried = prediction?.without ?? null;
  const shown =
    prediction !== null && (whole || prediction.changes.length > 0 || prediction.failure !== null);
  return [
    paint.strong(title),
    paragraph("why", each.why, settings),
    paragraph("calls", `${each.calls}; see ${each.man}`, settings),
    paragraph("as", each.detail, settings),
    ...(each.shell.length === 0 ? [] : [shell]),
    ...(shown ? mounts(prediction, settings) : []),
    paragraph("without", each.without, settings),
    ...(tried === null ? [] : [paragraph("tried", tried, settings)]),
    ...(each.undo === null ? [] : [paragraph("at end", each.undo, settings)]),
  ].join("\n");
}

export function explanationAsText(explanation: Explanation, settings: TextSettings): string {
  const { title, total, steps, mounts: last } = explanation;
  const { paint, brief, width } = settings;
  const count = steps.length === total ? total : `${steps.length} of ${total}`;
  const head = `${title}: ${count} steps. parent is the executor on the host, init the container's first process.`;
  const legend = [
    ...(brief ? [] : [whyLegend]),
    "$root is where the new root is mounted, $stage where what is not attached yet is.",
  ].join(" ");
  const table =
    last === null || brief || steps.length !== total
      ? []
      : [
          "",
          paint.strong("The container's mounts when its program begins"),
          ...inOrder(last).map((row) => `  ${visible(rowText(row))}`),
        ];
  return `${[
    ...wrapLine(visible(head), width),
    ...wrapLine(legend, width).map(paint.faint),
    "",
    steps.map((each) => step(each, total, settings)).join(brief ? "\n" : "\n\n"),
    ...table,
  ].join("\n")}\n`;
}
