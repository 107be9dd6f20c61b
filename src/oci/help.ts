/** Help from the table of commands. */

import type { Flag } from "../cli/arguments.ts";
import { flagLines } from "../cli/help.ts";
import { commands, type OciCommand } from "./commands.ts";
import { globalFlags } from "./globals.ts";

/** `pivot-oci --help`. */
export function generalHelp(): string {
  const width = Math.max(...commands.map(({ name }) => name.length)) + 2;
  const lines = commands.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}\n`).join("");
  return `Usage: pivot-oci [OPTIONS] COMMAND

An OCI runtime for podman, containerd, docker and whoever else drives runc or crun.

Commands:
${lines}
Options:
${flagLines(globalFlags)}
\`pivot-oci COMMAND --help\` says more about a command.
`;
}

/** `pivot-oci COMMAND --help`. */
export function commandHelp({ name, usage, summary }: OciCommand, flags: readonly Flag[]): string {
  const options = flags.length === 0 ? "" : `\nOptions:\n${flagLines(flags)}`;
  return `${`Usage: pivot-oci ${name} ${usage}`.trimEnd()}\n\n${summary}\n${options}`;
}
