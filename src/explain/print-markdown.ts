/** The explanation as Markdown: a section for each step. */

import type { ExplainedStep, Explanation } from "./explanation.ts";
import { whyLegend } from "./print-text.ts";
import { changeLines, inOrder, rowText } from "./table-change.ts";

/** Text in which no character means anything to Markdown or HTML. */
const escape = (text: string): string =>
  text
    .replace(/[\p{Cc}]/gu, " ")
    .replace(/[\\`*_{}[\]<>#|!~$&]/g, (each) =>
      each === "<" ? "&lt;" : each === "&" ? "&amp;" : `\\${each}`,
    );

/** Code in a line; the fence is longer than any run of backticks in it. */
function code(text: string): string {
  const line = text.replace(/[\p{Cc}]/gu, " ");
  const longest = Math.max(0, ...(line.match(/`+/g) ?? []).map((run) => run.length));
  const fence = "`".repeat(longest + 1);
  return longest === 0 ? `${fence}${line}${fence}` : `${fence} ${line} ${fence}`;
}

function block(language: string, lines: readonly string[]): string[] {
  const longest = Math.max(
    2,
    ...lines.flatMap((line) => line.match(/`+/g) ?? []).map((run) => run.length),
  );
  const fence = "`".repeat(longest + 1);
  return ["", `${fence}${language}`, ...lines, fence];
}

function section(step: ExplainedStep, brief: boolean): string {
  const { prediction } = step;
  const failure = prediction?.failure ?? null;
  const tried = prediction?.without ?? null;
  const changes = prediction?.changes ?? [];
  return [
    `## ${step.number}. ${escape(step.what)}`,
    "",
    `By ${step.by}. ${escape(step.why)}.`,
    ...(brief ? [] : ["", `${code(step.detail)}: ${escape(step.calls)}, see ${escape(step.man)}.`]),
    ...(step.shell.length === 0 ? [] : block("sh", step.shell)),
    ...(brief || changes.length === 0
      ? []
      : [
          "",
          `Mounts of ${prediction?.of}: ${prediction?.before.length} before, ${prediction?.after.length} after.`,
          ...block(
            "diff",
            changeLines(changes).map(({ text }) => text),
          ),
        ]),
    ...(brief ? [] : ["", escape(step.without)]),
    ...(brief || failure === null ? [] : ["", `It fails: ${escape(failure)}`]),
    ...(brief || tried === null ? [] : ["", escape(tried)]),
    ...(brief || step.undo === null ? [] : ["", `At the end: ${escape(step.undo)}.`]),
  ].join("\n");
}

export function explanationAsMarkdown(explanation: Explanation, brief = false): string {
  const { title, total, steps, mounts } = explanation;
  return `${[
    `# ${escape(title)}`,
    "",
    `${steps.length === total ? total : `${steps.length} of ${total}`} steps. \`parent\` is the executor on the host, \`init\` the container's first process. ${escape(whyLegend)}`,
    ...steps.map((step) => `\n${section(step, brief)}`),
    ...(mounts === null || steps.length !== total
      ? []
      : [
          "",
          "## The container's mounts when its program begins",
          ...block("", inOrder(mounts).map(rowText)),
        ]),
  ].join("\n")}\n`;
}
