/** `pivot exec`: a further process in a container that runs. */

import { WishError } from "../container/wish-error.ts";
import { prepareExec } from "../engine/enter.ts";
import { findContainer } from "../engine/find.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import { readStreams } from "../host/streams.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import { detachKeysFlag, readAttachment } from "./attachment.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { report } from "./report-error.ts";
import { runFlags } from "./run-flags.ts";
import { readRunOptions } from "./run-options.ts";

const shared = new Set(["env", "env-file", "user", "workdir", "interactive", "tty"]);

export const execFlags: readonly Flag[] = [
  { name: "detach", short: "d", help: "do not wait for its end; what it writes is lost" },
  detachKeysFlag,
  ...runFlags.filter(({ name }) => shared.has(name)),
  { name: "privileged", help: "all capabilities, and no AppArmor profile" },
];

/** As docker's for what is no exit code of the process. */
const ownError = 1;

async function enter(given: ParsedArguments, globals: Globals): Promise<never> {
  const [word, ...command] = given.words;
  if (word === undefined || command.length === 0) {
    throw new UsageError("exec needs a container and a command: pivot exec -it CONTAINER sh");
  }
  const streams = readStreams();
  const [interactive, tty] = [isOn(given, "interactive"), isOn(given, "tty")];
  const detach = isOn(given, "detach");
  if (interactive && tty && !detach && streams[0] !== "terminal") {
    throw new UsageError("-it: standard input is no terminal: leave -t out, or use `script`");
  }
  const flags = new Map([...given.flags].filter(([name]) => shared.has(name)));
  const cwd = process.env["PIVOT_NO_CWD"] === undefined ? process.cwd() : "/";
  const read = readRunOptions({ flags, words: [] }, { cwd, env: process.env });
  if (read.problems.length > 0) throw new WishError(read.problems);
  const { env = {}, user = null, workdir = null } = read.options;
  const roots = engineRoots(globals);
  const { plan, warnings } = await prepareExec(
    await findContainer(roots, word),
    {
      command,
      env,
      user,
      workdir,
      interactive: interactive && !detach,
      tty,
      privileged: isOn(given, "privileged"),
      detach,
      detachKeys: readAttachment(given, interactive).keys,
      streams,
    },
    roots,
  );
  for (const warning of warnings) report("warning", warning, globals.logFormat);
  return handOver(encodePlan(plan), ["--log-format", globals.logFormat, "internal-report"]);
}

export async function execCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  try {
    return await enter(given, globals);
  } catch (error) {
    if (!(error instanceof WishError)) throw error;
    for (const line of error.problems) report("error", line, globals.logFormat);
    return ownError;
  }
}
