/** The command line: finds the command, reads its flags, runs it, and makes errors one line. */

import { readSync } from "node:fs";
import { writeAll } from "../host/write.ts";
import { type Flag, type ParsedArguments, parseArguments, UsageError } from "./arguments.ts";
import type { Command, Globals } from "./command.ts";
import { commands, globalFlags } from "./commands.ts";

/** As docker: the engine's own errors, as opposed to the exit codes of containers. */
const engineError = 125;

const lastOf = (given: ParsedArguments, name: string): string | null =>
  given.flags.get(name)?.at(-1) ?? null;

function readGlobals(given: ParsedArguments): Globals {
  const logFormat = lastOf(given, "log-format") ?? "text";
  if (logFormat !== "text" && logFormat !== "json") {
    throw new UsageError(`--log-format takes text or json, received ${JSON.stringify(logFormat)}`);
  }
  return { root: lastOf(given, "root"), runRoot: lastOf(given, "runroot"), logFormat };
}

const printHelp = async (command: Command | null, flags: readonly Flag[]): Promise<number> => {
  const { commandHelp, generalHelp } = await import("./help.ts");
  writeAll(1, command === null ? generalHelp() : commandHelp(command, flags));
  return 0;
};

async function findCommand(words: readonly string[]): Promise<{ command: Command; used: number }> {
  for (const used of [2, 1]) {
    const name = words.slice(0, used).join(" ");
    const command = commands.find(
      (each) => each.name === name || each.aliases?.includes(name) === true,
    );
    if (command !== undefined) return { command, used };
  }
  const { suggest } = await import("./suggest.ts");
  const first = words[0] ?? "";
  const group = commands.filter((each) => each.name.startsWith(`${first} `));
  if (group.length > 0) {
    const names = group.map((each) => each.name.slice(first.length + 1)).join(", ");
    throw new UsageError(`\`pivot ${first}\` needs one of: ${names}`);
  }
  const near = suggest(
    first,
    commands.map((each) => each.name),
  );
  throw new UsageError(
    `unknown command: ${first}${near === null ? "" : `; did you mean ${near}?`}; \`pivot help\` lists them all`,
  );
}

async function dispatch(argv: readonly string[]): Promise<number> {
  const given = parseArguments(globalFlags, argv);
  const globals = readGlobals(given);
  if (given.flags.has("version")) return (await import("./version.ts")).versionCommand();
  const words = given.words[0] === "help" ? given.words.slice(1) : given.words;
  if (words.length === 0) return printHelp(null, globalFlags);
  if (words[0] === "internal-report") {
    return (await import("./report.ts")).reportCommand(globals, words[1] ?? null);
  }
  if (words[0] === "internal-ended") {
    return (await import("./ended.ts")).endedCommand(words.slice(1), globals);
  }
  const { command, used } = await findCommand(words);
  const flags = await command.flags();
  const rest = words.slice(used);
  if (given.words[0] === "help" || rest[0] === "--help") return printHelp(command, flags);
  const help: Flag = { name: "help", help: "say what the flags do" };
  const own = parseArguments(
    [...flags, help],
    rest,
    command.takesCommand === true ? "flags first" : "any",
  );
  if (own.flags.has("help")) return printHelp(command, flags);
  const run = await command.run();
  return run(own, globals);
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
    return reportError(error, argv) ?? engineError;
  }
}

process.exitCode = await main();
