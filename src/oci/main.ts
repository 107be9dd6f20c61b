/** The command line of the OCI runtime: `pivot-oci …`, which is `pivot oci …`. */

import { parseArguments, UsageError } from "../cli/arguments.ts";
import { WishError } from "../container/wish-error.ts";
import { writeAll } from "../host/write.ts";
import { commands, type OciCommand } from "./commands.ts";
import { claimRoot, type Globals, globalFlags, readGlobals } from "./globals.ts";
import { type Logging, log } from "./log.ts";

/** Until the flags that say otherwise are read. */
const standardError: Logging = { log: null, logFormat: "text" };

async function printHelp(command: OciCommand | null): Promise<number> {
  const { commandHelp, generalHelp } = await import("./help.ts");
  writeAll(
    1,
    command === null ? generalHelp() : commandHelp(command, (await command.flags?.()) ?? []),
  );
  return 0;
}

async function findCommand(name: string): Promise<OciCommand> {
  const command = commands.find((each) => each.name === name);
  if (command !== undefined) return command;
  const { suggest } = await import("../cli/suggest.ts");
  const near = suggest(
    name,
    commands.map((each) => each.name),
  );
  throw new UsageError(
    `unknown command: ${name}${near === null ? "" : `; did you mean ${near}?`}; \`pivot-oci --help\` lists them all`,
  );
}

/** Flags that follow words come first, where a command allows that: `kill ID TERM --all`. */
const flagsFirst = (words: readonly string[]): string[] => [
  ...words.filter((word) => /^-./.test(word)),
  ...words.filter((word) => !/^-./.test(word)),
];

async function dispatch(command: OciCommand, words: readonly string[], globals: Globals) {
  const flags = (await command.flags?.()) ?? [];
  const rest = command.flagsAnywhere === true ? flagsFirst(words) : words;
  const given = parseArguments([...flags, { name: "help", short: "h", help: "say this" }], rest);
  if (given.flags.has("help")) return printHelp(command);
  const run = await command.run();
  return run(given, globals);
}

function report(error: unknown, logging: Logging): void {
  const problems =
    error instanceof WishError
      ? error.problems
      : [error instanceof Error ? error.message : String(error)];
  // Clients show one message, and look for words in it.
  log("error", problems.join("; "), logging);
}

/** @returns the exit code */
export async function ociMain(argv: readonly string[]): Promise<number> {
  let logging: Logging = standardError;
  let ownError = 1;
  try {
    const given = parseArguments(globalFlags, argv);
    const globals = readGlobals(given);
    logging = globals;
    if (given.flags.has("version")) return (await import("./version.ts")).versionCommand();
    const [name, ...words] =
      given.words[0] === "help" ? [...given.words.slice(1), "--help"] : given.words;
    if (given.flags.has("help") || name === undefined || name === "--help")
      return await printHelp(null);
    if (name === "internal-tell") {
      return (await import("./tell.ts")).tell(Number(words[0] ?? 1), logging);
    }
    const command = await findCommand(name);
    ownError = command.ownError ?? 1;
    claimRoot(globals);
    return await dispatch(command, words, globals);
  } catch (error) {
    report(error, logging);
    return ownError;
  }
}
