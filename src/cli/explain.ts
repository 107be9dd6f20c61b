/** `pivot explain`: the plan of `run`, step by step, with what each step is for. */

import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { shortId } from "../container/identity.ts";
import { prepareContainer } from "../container/prepare.ts";
import { type ExplainedStep, type Explanation, explainPlan } from "../explain/explanation.ts";
import { predictPlan } from "../explain/predict.ts";
import { explanationAsJson } from "../explain/print-json.ts";
import { explanationAsMarkdown } from "../explain/print-markdown.ts";
import { explanationAsMermaid } from "../explain/print-mermaid.ts";
import { coloured, explanationAsText, plain } from "../explain/print-text.ts";
import { quote } from "../explain/quote.ts";
import { planScript, scriptProblem } from "../explain/script.ts";
import { inhabitantsFor } from "../host/inhabitants.ts";
import { writeAll } from "../host/write.ts";
import { catalogue } from "../plan/catalogue.ts";
import type { Step } from "../plan/op.ts";
import { fromMountinfo } from "../simulator/from-mountinfo.ts";
import { parseMountinfo } from "../simulator/parse-mountinfo.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { ownExplainFlags } from "./explain-flags.ts";
import { report } from "./report-error.ts";
import { runFlags } from "./run-flags.ts";
import { readRunWish } from "./run-wish.ts";
import { suggest } from "./suggest.ts";
import { terminalWidth } from "./wrap.ts";

const formats = ["text", "markdown", "json", "sh", "mermaid"] as const;
type Format = (typeof formats)[number];

type Chosen = {
  readonly format: Format;
  readonly brief: boolean;
  /** Numbers of steps, and names of operations; both empty: all steps. */
  readonly steps: readonly number[];
  readonly only: readonly string[];
};

function readChosen({ flags }: ParsedArguments): Chosen {
  const word = flags.get("format")?.at(-1) ?? "text";
  const format = formats.find((each) => each === word);
  if (format === undefined) {
    throw new UsageError(`--format takes ${formats.join(", ")}, received ${JSON.stringify(word)}`);
  }
  const steps = (flags.get("step") ?? []).map((text) => {
    if (!/^[1-9]\d*$/.test(text)) {
      throw new UsageError(`--step takes the number of a step, received ${JSON.stringify(text)}`);
    }
    return Number(text);
  });
  const only = flags.get("only") ?? [];
  for (const name of only) {
    if (Object.hasOwn(catalogue, name)) continue;
    const near = suggest(name, Object.keys(catalogue));
    throw new UsageError(
      `--only: there is no operation ${JSON.stringify(name)}${near === null ? "; docs/reference/operations.md lists them" : `; did you mean ${near}?`}`,
    );
  }
  const isPart = steps.length + only.length > 0;
  if (isPart && (format === "sh" || format === "mermaid")) {
    throw new UsageError(`--format ${format} is about the whole plan: leave --step and --only out`);
  }
  return { format, brief: flags.get("brief")?.at(-1) === "true", steps, only };
}

/** The command whose plan it is. */
function titleOf({ flags, words }: ParsedArguments): string {
  const own = new Set(ownExplainFlags.map(({ name }) => name));
  const valued = new Set(
    runFlags.filter(({ value }) => value !== undefined).map(({ name }) => name),
  );
  const given = [...flags]
    .filter(([name]) => !own.has(name))
    .flatMap(([name, values]) =>
      values.map((value) =>
        valued.has(name)
          ? `--${name}=${quote(value)}`
          : value === "true"
            ? `--${name}`
            : `--${name}=false`,
      ),
    );
  return ["pivot run", ...given, ...words.map(quote)].join(" ");
}

/** @throws UsageError when none is chosen. */
function choose(explanation: Explanation, { steps, only }: Chosen): Explanation {
  if (steps.length + only.length === 0) return explanation;
  const beyond = steps.find((number) => number > explanation.total);
  if (beyond !== undefined) {
    throw new UsageError(`--step ${beyond}: the plan has ${explanation.total} steps`);
  }
  const chosen = explanation.steps.filter(
    ({ number, operation }: ExplainedStep) => steps.includes(number) || only.includes(operation),
  );
  if (chosen.length === 0) throw new UsageError(`--only: the plan has no step ${only.join(", ")}`);
  return { ...explanation, steps: chosen };
}

function print(explanation: Explanation, { format, brief, steps, only }: Chosen): string {
  switch (format) {
    case "markdown":
      return explanationAsMarkdown(explanation, brief);
    case "json":
      return explanationAsJson(explanation);
    case "mermaid":
      return explanationAsMermaid(explanation);
    default: {
      const isColoured = isatty(1) && (process.env["NO_COLOR"] ?? "") === "";
      const paint = isColoured ? coloured : plain;
      return explanationAsText(explanation, {
        width: terminalWidth(),
        paint,
        brief,
        whole: steps.length === 1 && only.length === 0,
      });
    }
  }
}

/** What is explained is a run at a terminal, wherever the explanation goes. */
const atTerminal = ["terminal", "terminal", "terminal"] as const;

export async function explainCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const chosen = readChosen(given);
  const title = titleOf(given);
  const { id, plan, warnings, release } = await prepareContainer(
    readRunWish(given, globals, atTerminal),
  );
  release();
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  if (chosen.format === "sh") {
    const problem = scriptProblem(plan);
    if (problem !== null) throw new UsageError(`--format sh: ${problem}`);
    writeAll(1, planScript(plan, title));
    return 0;
  }
  const mountinfo = readFileSync("/proc/self/mountinfo", "utf8");
  const start = fromMountinfo(mountinfo);
  const inhabitants = inhabitantsFor(plan, parseMountinfo(mountinfo));
  const isWanted = (step: Step, number: number): boolean =>
    chosen.steps.length + chosen.only.length === 0 ||
    chosen.steps.includes(number) ||
    chosen.only.includes(step.op.op);
  const tries = !chosen.brief && chosen.format !== "mermaid";
  const forecast = predictPlan(plan, start, inhabitants, (step, n) => tries && isWanted(step, n));
  const explanation = explainPlan(plan, { title, id, ...forecast });
  const text = print(choose(explanation, chosen), chosen);
  writeAll(1, chosen.format === "json" ? text : text.replaceAll(id, shortId(id)));
  return 0;
}
