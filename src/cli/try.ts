/** `pivot try`: runs a command in a copy-on-write view of the host. */

import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import { readStreams } from "../host/streams.ts";
import { type BegunTry, beginTry } from "../try/begin.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";
import { readRunOptions } from "./run-options.ts";

/** Of the launcher, and without meaning for another program. */
const notHandedOn = new Set(["PIVOT_GO_FD", "PIVOT_NO_CWD", "PIVOT_PLAN_FD", "NODE_CHANNEL_FD"]);

/** @throws WishError when the working directory is gone */
export function presentDirectory(): string {
  if (process.env["PIVOT_NO_CWD"] === undefined) return process.cwd();
  throw new WishError(["the working directory is gone: cd to one that is there"]);
}

/** `~/x` is the shell's to expand, but not behind an `=`. */
function readPaths(given: ParsedArguments, flag: string, cwd: string): string[] {
  const home = process.env["HOME"] ?? "/";
  return (given.flags.get(flag) ?? []).map((path) => {
    if (path === "") throw new UsageError(`--${flag} needs a path`);
    const whole = absolutePath(path.replace(/^~(?=\/|$)/, home), cwd);
    const parts: string[] = [];
    for (const part of whole.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    return `/${parts.join("/")}`;
  });
}

/** The caller's own, with the variables of -e; null takes one away. */
function environment(extra: Readonly<Record<string, string | null>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries({ ...process.env, ...extra }).flatMap(([key, value]) =>
      value === null || value === undefined || notHandedOn.has(key) ? [] : [[key, value]],
    ),
  );
}

/** What a person should know before the program takes the terminal. */
function tell({ of: { name }, isNew, shown }: BegunTry, cwd: string): void {
  const how = isNew ? "" : " goes on";
  report(
    "note",
    `try ${name}${how}: the host stays as it is; next: \`pivot try diff\`, apply, discard`,
  );
  const around = shown.findLast(({ path }) => cwd === path || cwd.startsWith(`${path}/`));
  const isCovered =
    around === undefined ? process.geteuid?.() === 0 : around.directory !== undefined;
  if (!isCovered) {
    report(
      "warning",
      `${cwd} is shown read-only: its file system cannot be covered, or is not yours`,
    );
  }
}

export async function tryCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const cwd = presentDirectory();
  const { options, problems } = readRunOptions(given, { cwd, env: process.env });
  if (problems.length > 0) throw new WishError(problems);
  const streams = readStreams();
  const begun = await beginTry({
    name: given.flags.get("name")?.at(-1) ?? null,
    command: given.words.length > 0 ? given.words : [process.env["SHELL"] ?? "/bin/sh"],
    options,
    roots: readRoots(globals, cwd),
    cwd,
    env: environment(options.env ?? {}),
    streams,
    share: readPaths(given, "share", cwd),
    hide: readPaths(given, "hide", cwd),
    show: readPaths(given, "show", cwd),
    endWithCaller: false,
  });
  for (const warning of begun.warnings) report("warning", warning, globals.logFormat);
  if (streams[2] === "terminal" && globals.logFormat === "text") tell(begun, cwd);
  return handOver(encodePlan(begun.plan), ["--log-format", globals.logFormat, "internal-report"]);
}
