/** `pivot run`: plans a container and becomes the executor. */

import { prepareContainer } from "../container/prepare.ts";
import { becomeExecutor } from "../executor/become.ts";
import { readStreams } from "../host/streams.ts";
import type { StreamFact } from "../planner/facts.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./commands.ts";
import { report } from "./report-error.ts";
import { readRunWish } from "./run-wish.ts";

function checkTerminal(given: ParsedArguments, [stdin]: readonly StreamFact[]): void {
  const isOn = (name: string) => given.flags.get(name)?.at(-1) === "true";
  if (isOn("tty") && isOn("interactive") && stdin !== "terminal") {
    throw new UsageError("-it: standard input is no terminal: leave -t out, or use `script`");
  }
}

export async function runCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const streams = readStreams();
  checkTerminal(given, streams);
  const wish = readRunWish(given, globals, streams, (progress) => showProgress(progress));
  const { plan, warnings } = await prepareContainer(wish);
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  return becomeExecutor(plan, ["--log-format", globals.logFormat, "internal-report"]);
}

function showProgress(progress: unknown): void {
  void progress;
}
