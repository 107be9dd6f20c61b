/** `pivot login` and `pivot logout`: who we are to a registry, kept where docker keeps it. */

import { readFileSync } from "node:fs";
import { isatty } from "node:tty";
import { writeAll } from "../host/write.ts";
import { quote } from "../image/error.ts";
import { parseReference } from "../image/reference.ts";
import { credentialFinder, registryOfKey } from "../registry/credentials.ts";
import {
  checkLogin,
  forgetCredentials,
  keepCredentials,
  type Password,
} from "../registry/login.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import { askLine } from "./ask.ts";
import type { Globals } from "./command.ts";
import { reachLoopbackDirectly } from "./direct-loopback.ts";
import { interruptible } from "./interrupt.ts";
import { report } from "./report-error.ts";

/** Whether an image's name could begin with it. */
function isHost(text: string): boolean {
  try {
    const parsed = parseReference(`${text}/x`);
    return parsed.transport === "registry" && parsed.domain === text;
  } catch {
    return false;
  }
}

/** The registry that was named, or Docker Hub. */
function readServer({ words }: ParsedArguments, command: string): string {
  if (words.length > 1) {
    throw new UsageError(`${command} takes one registry, received ${words.join(" ")}`);
  }
  const registry = registryOfKey(words[0] ?? "");
  if (registry === "docker.io") return registry;
  if (isHost(registry)) return registry;
  throw new UsageError(
    `${command} takes the host of a registry, such as ghcr.io or localhost:5000, received ${quote(words[0] ?? "")}`,
  );
}

const lastOf = ({ flags }: ParsedArguments, name: string) => flags.get(name)?.at(-1);

function checkFlags(given: ParsedArguments): void {
  const fromInput = lastOf(given, "password-stdin") === "true";
  if (fromInput && given.flags.has("password")) {
    throw new UsageError("--password and --password-stdin exclude each other");
  }
  if (fromInput && !given.flags.has("username")) {
    throw new UsageError("--password-stdin needs --username");
  }
}

function noTerminal(what: string): UsageError {
  return new UsageError(
    `login needs ${what}, and standard input is no terminal to ask at: -u NAME --password-stdin`,
  );
}

/** What nobody gave is asked for. */
async function ask(question: string, what: string, isSecret: boolean): Promise<string> {
  if (!isatty(0)) throw noTerminal(what);
  const answer = await askLine(question, isSecret);
  if (answer === undefined || answer === "") throw new UsageError(`login needs ${what}`);
  return answer;
}

async function readPassword(given: ParsedArguments, globals: Globals): Promise<string> {
  if (lastOf(given, "password-stdin") === "true") {
    const password = readFileSync(0, "utf8").replace(/\r?\n$/, "");
    if (password === "") throw new UsageError("standard input holds no password");
    return password;
  }
  const typed = lastOf(given, "password");
  if (typed === undefined) return ask("Password: ", "a password", true);
  report("warning", "a password on the command line can be seen by others", globals.logFormat);
  return typed;
}

/** Who logs in: as it was said, as it is kept already, or as a person says. */
async function readLogin(
  registry: string,
  given: ParsedArguments,
  globals: Globals,
): Promise<Password> {
  const isSaid = given.flags.has("username") || given.flags.has("password");
  if (!isSaid) {
    const known = await credentialFinder(process.env)(registry, "");
    if (known?.kind === "password") {
      writeAll(1, `Authenticating with existing credentials for ${known.username}\n`);
      return known;
    }
  }
  const username = lastOf(given, "username") ?? (await ask("Username: ", "a user name", false));
  if (username === "" || username.includes(":")) {
    throw new UsageError("a user name is not empty, and holds no colon");
  }
  return { kind: "password", username, password: await readPassword(given, globals) };
}

export async function loginCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  reachLoopbackDirectly(process.env);
  const registry = readServer(given, "login");
  checkFlags(given);
  const login = await readLogin(registry, given, globals);
  const kept = await interruptible(async (signal) =>
    keepCredentials(registry, await checkLogin(registry, login, { signal }), process.env),
  );
  if (kept.helper === undefined) {
    const where = `the credentials are not encrypted in ${kept.file}`;
    report("warning", `${where}: credsStore there names a program that does`, globals.logFormat);
  }
  writeAll(1, "Login Succeeded\n");
  return 0;
}

export async function logoutCommand(given: ParsedArguments): Promise<number> {
  const registry = readServer(given, "logout");
  const shown = registry === "docker.io" ? "Docker Hub (docker.io)" : registry;
  const isGone = await forgetCredentials(registry, process.env);
  writeAll(1, `${isGone ? "Removed" : "There were no"} login credentials for ${shown}\n`);
  return 0;
}
