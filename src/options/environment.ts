// Environment variables: as they are asked for, and as the container gets them.

import { accept, type Findings, type Result, refuse } from "./problem.ts";

/** A variable and its value; null takes away what the image or the engine would have set. */
export type EnvEntry = readonly [name: string, value: string | null];

/** The value of a variable of the caller's own environment; undefined if it is not set. */
export type Lookup = (name: string) => string | undefined;

/**
 * Parses `-e, --env`: `NAME=value`, or `NAME` for the value that it has in the caller's environment.
 * If it has none there, the container does not get it either, not even from its image.
 */
export function parseEnv(given: string, lookup: Lookup): Result<EnvEntry> {
  const end = given.indexOf("=");
  const name = end < 0 ? given : given.slice(0, end);
  if (name === "") return refuse("-e, --env", given, "empty name: it looks like NAME=value");
  return accept([name, end < 0 ? (lookup(name) ?? null) : given.slice(end + 1)]);
}

/**
 * Parses the text of an `--env-file`: a `NAME=value` or `NAME` on each line, empty lines and those that
 * begin with `#` aside. Values are taken as they are, with quotes and spaces. A `NAME` that the
 * caller's environment has not is passed over.
 *
 * @param file the file's path, for the problem
 */
export function parseEnvFile(
  text: string,
  lookup: Lookup,
  file: string,
): Result<readonly EnvEntry[]> {
  const entries: EnvEntry[] = [];
  for (const [index, ended] of text
    .replace(/^\ufeff/, "")
    .split("\n")
    .entries()) {
    const line = ended.replace(/\r$/, "").trimStart();
    if (line === "" || line.startsWith("#")) continue;
    const end = line.indexOf("=");
    const name = end < 0 ? line : line.slice(0, end);
    const problem = nameProblem(name) ?? (line.includes("\0") ? "there is a NUL character" : null);
    if (problem !== null) return refuse("--env-file", file, `line ${index + 1}: ${problem}`);
    const value = end < 0 ? lookup(name) : line.slice(end + 1);
    if (value !== undefined) entries.push([name, value]);
  }
  return accept(entries);
}

function nameProblem(name: string): string | null {
  if (name === "") return "there is no name before the =";
  return /[ \t]/.test(name) ? `the name ${JSON.stringify(name)} contains white space` : null;
}

const DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** What makes up the environment of a container, what is asked for aside. */
export interface EnvironmentSource {
  /** `NAME=value` each. */
  readonly image: readonly string[];
  readonly hostname: string;
  readonly tty: boolean;
}

/**
 * The environment of a container's first process, `NAME=value` each, in docker's order: PATH, HOSTNAME
 * and with a terminal TERM; then what is asked for, then what the image sets. A variable that is asked
 * for wins over the image's, the image's over the engine's. HOME is left to who looks the user up.
 */
export function containerEnvironment(
  wanted: Readonly<Record<string, string | null>>,
  { image, hostname, tty }: EnvironmentSource,
  findings: Findings,
): readonly string[] {
  const env = new Map([
    ["PATH", DEFAULT_PATH],
    ["HOSTNAME", hostname],
  ]);
  if (tty) env.set("TERM", "xterm");
  for (const [name, value] of Object.entries(wanted)) {
    if (name === "" || /[=\0]/.test(name) || value?.includes("\0") === true) {
      findings.problem(
        "-e, --env",
        name,
        "a name is not empty and has no =; neither part has a NUL",
      );
    } else if (value === null) {
      env.delete(name);
    } else {
      env.set(name, value);
    }
  }
  for (const entry of image) {
    const end = entry.indexOf("=");
    const name = end < 0 ? entry : entry.slice(0, end);
    if (Object.hasOwn(wanted, name)) continue;
    if (end < 0) env.delete(name);
    else if (end === 0 || entry.includes("\0"))
      findings.problem("IMAGE", entry, "its config has a variable without a name or with a NUL");
    else env.set(name, entry.slice(end + 1));
  }
  return [...env].map(([name, value]) => `${name}=${value}`);
}
