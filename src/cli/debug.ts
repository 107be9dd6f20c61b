/** `pivot debug`: a real container, made one operation at a time. */

import { closeSync, openSync } from "node:fs";
import { prepareContainer } from "../container/prepare.ts";
import { Debugger } from "../debug/debugger.ts";
import { Recorder } from "../debug/record.ts";
import { Session } from "../debug/session.ts";
import { exitCodeOf } from "../executor/failure.ts";
import { readStreams } from "../host/streams.ts";
import { writeAll } from "../host/write.ts";
import type { StreamFact } from "../planner/facts.ts";
import { isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { openPrompt } from "./prompt.ts";
import { report } from "./report-error.ts";
import { readRunWish } from "./run-wish.ts";
import { visible } from "./visible.ts";

type Streams = readonly [StreamFact, StreamFact, StreamFact];

/** What is typed is for the debugger until the program runs, and then for the program. */
function streamsFor(given: ParsedArguments, streams: Streams, isRecord: boolean): Streams {
  const isInteractive = isOn(given, "interactive");
  if (isInteractive && streams[0] !== "terminal" && !isRecord) {
    throw new UsageError("-i needs a terminal: without one, the commands come by standard input");
  }
  if (isOn(given, "tty") && streams[0] !== "terminal") {
    throw new UsageError("-t: standard input is no terminal: leave it out, or use `script`");
  }
  return [isInteractive ? streams[0] : "null", streams[1], streams[2]];
}

/** Signals that ask for the end: the executor gets them too, and undoes; this process waits for it. */
function endBySignals(session: Session): void {
  for (const name of ["SIGTERM", "SIGHUP"] as const) process.on(name, () => session.end());
  process.on("SIGINT", () => {});
}

/** @returns whether it was left before the program ran */
async function typeAtIt(
  target: Debugger,
  session: Session,
  prompt: ReturnType<typeof openPrompt>,
): Promise<boolean> {
  const over = session.over.then(() => undefined);
  for (;;) {
    const line = await Promise.race([prompt.ask("(pivot) "), over]);
    // Somebody has ended it meanwhile.
    if (line === undefined) {
      await target.settle();
      return false;
    }
    if (line === null || /^\s*(q(u(it?)?)?|exit)\s*$/.test(line)) {
      await target.quit();
      return true;
    }
    if (!(await target.execute(line))) return false;
  }
}

function openRecord(path: string): number {
  try {
    return openSync(path, "w", 0o600);
  } catch (error) {
    throw new UsageError(
      `--record ${path}: ${(error as NodeJS.ErrnoException).code}: choose a file that can be written`,
    );
  }
}

const introduction = (steps: number, isTerminal: boolean): string =>
  `${steps} steps; it stops before each.${isTerminal ? " `help` lists the commands.\nAn empty line repeats the last step." : ""}\n`;

export async function debugCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const file = lastValue(given, "record");
  const streams = streamsFor(given, readStreams(), file !== null);
  const isTerminal = readStreams()[0] === "terminal";
  const wish = readRunWish(given, globals, streams);
  const { id, plan, warnings, facts } = await prepareContainer({
    ...wish,
    options: { ...wish.options, rm: true },
    endWithCaller: true,
  });
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  const record = file === null ? null : openRecord(file);
  const prompt = record === null ? openPrompt(isTerminal) : null;
  const session = new Session(plan, [
    isOn(given, "interactive") ? "inherit" : "ignore",
    "inherit",
    "inherit",
  ]);
  endBySignals(session);
  const say = (text: string): void => {
    writeAll(1, isTerminal ? visible(text) : text);
  };
  const target = new Debugger({
    session,
    id,
    directory: `${wish.roots.runRoot}/${id}`,
    facts,
    isTerminal,
    say,
    onProgram: () => prompt?.release(),
    recorder:
      record === null
        ? null
        : new Recorder(id, plan, (line) => {
            writeAll(record, `${line}\n`);
          }),
  });
  let isQuit = false;
  await target.begin();
  if (prompt === null) await target.runThrough();
  else if (target.outcome === null) {
    say(introduction(plan.steps.length, isTerminal));
    await target.execute("where");
    isQuit = await typeAtIt(target, session, prompt);
  }
  prompt?.release();
  if (record !== null) closeSync(record);
  const trouble = target.endText(isQuit);
  if (trouble !== "") report("error", trouble, globals.logFormat);
  const { outcome } = target;
  if (outcome !== null && outcome.failure !== null && !isQuit)
    return exitCodeOf(plan, outcome.failure);
  if (trouble !== "") return 125;
  return isQuit ? 0 : (outcome?.exitCode ?? 125);
}
