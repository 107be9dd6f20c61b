/** `list` and `ps` on the command line. */

import { type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { writeAll } from "../host/write.ts";
import { readLast, readSwitch } from "./flags.ts";
import type { Globals } from "./globals.ts";
import { listJson, listTable } from "./list.ts";
import { findContainer, listContainers } from "./record.ts";

function readFormat(given: ParsedArguments): "table" | "json" {
  const format = readLast(given, "format") ?? "table";
  if (format === "table" || format === "json") return format;
  throw new UsageError(`--format takes table or json, received ${JSON.stringify(format)}`);
}

export function listCommand(given: ParsedArguments, { root }: Globals): number {
  const format = readFormat(given);
  const containers = listContainers(root);
  if (readSwitch(given, "quiet")) {
    writeAll(1, containers.map(({ id }) => `${id}\n`).join(""));
  } else writeAll(1, format === "json" ? listJson(containers) : listTable(containers));
  return 0;
}

export async function psCommand(given: ParsedArguments, { root }: Globals): Promise<number> {
  const [id, ...options] = given.words;
  if (id === undefined) throw new UsageError("which container? pivot-oci ps [OPTIONS] ID");
  const { containerProcesses, processTable } = await import("../host/process-table.ts");
  const { record, process } = findContainer(root, id);
  const pids = containerProcesses(record?.cgroups ?? [], process);
  const isJson = readFormat(given) === "json";
  const text = isJson ? JSON.stringify(pids) : processTable(pids, options).join("\n");
  writeAll(1, `${text}\n`);
  return 0;
}
