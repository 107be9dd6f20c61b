/** The command line: finds the command, reads its flags, runs it, and makes errors one line. */

import { readSync } from "node:fs";
import { writeAll } from "../host/write.ts";
import { type Flag, FlagError, type ParsedArguments, parseArguments } from "./arguments.ts";
import type { Command, Globals } from "./command.ts";
import { commands, globalFlags } from "./commands.ts";

const lastOf = (given: ParsedArguments, name: string): string | null =>
  given.flags.get(name)?.at(-1) ?? null;

function readGlobals(given: ParsedArguments): Globals {
  const logFormat = lastOf(given, "log-format") ?? "text";
  if (logFormat !== "text" && logFormat !== "json") {
    throw new FlagError(`--log-format takes text or json, received ${JSON.stringify(logFormat)}`);
  }
  return { root: lastOf(given, "root"), runRoot: lastOf(given, "runroot"), logFormat };
}

const printHelp = async (command: Command | null, flags: readonly Flag[]): Promise<number> => {
  const { commandHelp, generalHelp } = await import("./help.ts");
  writeAll(1, command === null ? generalHelp() : commandHelp(command, flags));
  return 0;
};

function findCommand(
  words: readonly string[],
): { readonly command: Command; readonly used: number } | null {
  for (const used of [2, 1]) {
    const name = words.slice(0, used).join(" ");
    const command = commands.find(
      (each) => each.name === name || each.aliases?.includes(name) === true,
    );
    if (command !== undefined) return { command, used };
  }
  return null;
}

/** `-h` too, where it means nothing else. */
const helpFlag = (flags: readonly Flag[]): Flag => ({
  name: "help",
  help: "say what the flags do",
  ...(flags.some(({ short }) => short === "h") ? {} : { short: "h" }),
});

async function dispatch(argv: readonly string[]): Promise<number> {
  const given = parseArguments(globalFlags, argv);
  const globals = readGlobals(given);
  if (given.flags.has("version")) return (await import("./version.ts")).versionLine();
  const asked = given.words[0] === "help" || given.flags.has("help");
  const words = given.words[0] === "help" ? given.words.slice(1) : given.words;
  if (words.length === 0) return printHelp(null, globalFlags);
  if (words[0] === "internal-report") {
    return (await import("./report.ts")).reportCommand(globals, words.slice(1));
  }
  if (words[0] === "internal-health") {
    return (await import("./health.ts")).healthCommand(words.slice(1), globals);
  }
  if (words[0] === "internal-ended") {
    return (await import("./ended.ts")).endedCommand(words.slice(1), globals);
  }
  if (words[0] === "internal-complete") {
    return (await import("./complete.ts")).completeCommand(words.slice(1), globals);
  }
  const found = findCommand(words);
  if (found === null) return (await import("./no-command.ts")).noCommand(words, asked);
  const { command, used } = found;
  const flags = await command.flags();
  if (asked) return printHelp(command, flags);
  const own = parseArguments(
    [...flags, helpFlag(flags)],
    words.slice(used),
    command.takesCommand === true ? "flags first" : "any",
  );
  if (own.flags.has("help")) return printHelp(command, flags);
  if (process.env["PIVOT_ROOTLESS"]?.startsWith("!") === true) {
    (await import("./no-namespace.ts")).refuse(command.name, process.env);
  }
  const run = await command.run();
  return run(own, globals);
}

/** The command that the words name, for the error that it has ended with. */
function failedCommand(argv: readonly string[]): Command | null {
  try {
    return findCommand(parseArguments(globalFlags, argv).words)?.command ?? null;
  } catch {
    return null; // Nothing that names a command can be read.
  }
}

/** In a clone the launcher looks for newer sources meanwhile: nothing is done before it says so. */
function waitForLauncher(): void {
  const pipe = process.env["PIVOT_GO_FD"];
  if (pipe !== undefined) readSync(Number(pipe), new Uint8Array(1));
}

async function main(): Promise<number> {
  const argv = process.argv.slice(2);
  waitForLauncher();
  // Another grammar: that of runc and crun.
  if (argv[0] === "oci") return (await import("../oci/main.ts")).ociMain(argv.slice(1));
  try {
    return await dispatch(argv);
  } catch (error) {
    const { reportError } = await import("./report-error.ts");
    const { explainError } = await import("./explain-error.ts");
    const command = failedCommand(argv);
    return reportError(explainError(error, command, globalFlags), argv, command);
  }
}

process.exitCode = await main();
