/** `pivot run`: plans a container and hands the plan to the executor. */

import { newId } from "../container/identity.ts";
import type { PreparedContainer } from "../container/prepare.ts";
import { handOver } from "../executor/hand-over.ts";
import { fillTemplate } from "../executor/template.ts";
import { readStreams } from "../host/streams.ts";
import type { Plan } from "../plan/op.ts";
import type { StreamFact } from "../planner/facts.ts";
import { isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineFlags } from "./engine-flags.ts";
import {
  commandOf,
  recallPlan,
  rememberPlan,
  type StartInputs,
  startKey,
} from "./remembered-plan.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";

/** Whether the engine has anything to do for the container once the caller has gone. */
const isWatched = (given: ParsedArguments): boolean =>
  !isOn(given, "rm") ||
  isOn(given, "detach") ||
  engineFlags.some(({ name }) => given.flags.has(name));

function checkTerminal(given: ParsedArguments, [stdin]: readonly StreamFact[]): void {
  const isAsked = ["tty", "interactive"].every((name) => isOn(given, name));
  if (isAsked && !isOn(given, "detach") && stdin !== "terminal") {
    throw new UsageError("-it: standard input is no terminal: leave -t out, or use `script`");
  }
}

function reporter({ logFormat }: Globals): string[] {
  return ["--log-format", logFormat, "internal-report"];
}

function warn(warnings: readonly string[], { logFormat }: Globals): void {
  for (const warning of warnings) report("warning", warning, logFormat);
}

export async function runCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const streams = readStreams();
  checkTerminal(given, streams);
  if (isWatched(given)) {
    const { runWatched } = await import("./run-watched.ts");
    return runWatched(given, globals, streams);
  }
  const inputs = startInputs(given, globals, streams);
  const key = inputs === null ? null : startKey(inputs);
  if (inputs !== null && key !== null) {
    const recalled = recallPlan(inputs.roots, key);
    if (recalled !== null) {
      warn(recalled.warnings, globals);
      const command = commandOf(given) ?? [];
      handOver(fillTemplate(recalled.template, newId(), command), reporter(globals));
    }
  }
  const { prepareContainer } = await import("../container/prepare.ts");
  const { readRunWish } = await import("./run-wish.ts");
  const { importProgress } = await import("./import-progress.ts");
  const wish = readRunWish(given, globals, streams, importProgress(globals.logFormat));
  const { name } = wish.options;
  if (name !== undefined) {
    const { checkNameIsFree } = await import("../engine/kept.ts");
    await checkNameIsFree(wish.roots, name);
  }
  const prepared = await prepareContainer(wish);
  warn(prepared.warnings, globals);
  if (inputs !== null && key !== null && !prepared.isUnique) rememberPlan(inputs, key, prepared);
  const { encodePlan } = await import("../executor/encode.ts");
  return handOver(encoded(prepared, encodePlan), reporter(globals));
}

/** A plan that the wire cannot hold is none: what was taken for it is given back. */
function encoded(
  { plan, release }: PreparedContainer,
  encode: (plan: Plan) => Uint8Array,
): Uint8Array {
  try {
    return encode(plan);
  } catch (error) {
    release();
    throw error;
  }
}

/** Null when the working directory is gone: planning says what that means for which option. */
function startInputs(
  given: ParsedArguments,
  globals: Globals,
  streams: readonly StreamFact[],
): StartInputs | null {
  if (process.env["PIVOT_NO_CWD"] !== undefined) return null;
  const cwd = process.cwd();
  return { given, roots: readRoots(globals, cwd), cwd, streams };
}
