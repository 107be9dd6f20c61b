/** `pivot version` and `pivot --version`. */

import { writeAll } from "../host/write.ts";
import { version } from "../version.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";

/** Of the OCI runtime specification. */
const specVersion = "1.3.0";

export function versionLine(): number {
  writeAll(1, `pivot version ${version}\n`);
  return 0;
}

export const versionFlags: readonly Flag[] = [
  {
    name: "format",
    short: "f",
    value: "FORMAT",
    help: "json, or a Go template: '{{.Client.Version}}'",
  },
];

/** As Go names processors. */
const architectures: Readonly<Record<string, string>> = { x64: "amd64" };

/** Docker's names; there is no daemon, and so no server. */
const versionDocument = () => ({
  Client: {
    Version: version,
    SpecVersion: specVersion,
    BunVersion: Bun.version,
    Os: process.platform,
    Arch: architectures[process.arch] ?? process.arch,
  },
  Server: null,
});

export async function versionCommand(given: ParsedArguments): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`version takes no arguments, received ${given.words.join(" ")}`);
  }
  const format = given.flags.get("format")?.at(-1) ?? "";
  const { Client } = versionDocument();
  if (format === "") {
    const rows = [
      ["Version:", Client.Version],
      ["OCI spec:", Client.SpecVersion],
      ["Bun version:", Client.BunVersion],
      ["OS/Arch:", `${Client.Os}/${Client.Arch}`],
    ] as const;
    const lines = rows.map(([name, value]) => ` ${name.padEnd(19)}${value}\n`).join("");
    writeAll(1, `Client:\n${lines}`);
    return 0;
  }
  const { printDocument } = await import("./output.ts");
  printDocument(versionDocument(), format);
  return 0;
}
