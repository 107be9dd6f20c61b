/** `pivot top`: the processes of a container, as the host sees them. */

import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import { containerProcesses, NoPsError, processTable } from "../host/process-table.ts";
import { writeAll } from "../host/write.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { alignColumns } from "./format/align.ts";

/** docker's: columns of 20 characters at least. */
const columnWidth = 20;

/** The last column takes what is left of the line. */
function cells(line: string, count: number): string[] {
  const words = line.trim().split(/\s+/);
  return [...words.slice(0, count - 1), words.slice(count - 1).join(" ")];
}

async function tableOf(pids: readonly number[], options: readonly string[]): Promise<string[][]> {
  try {
    const [head = "", ...lines] = processTable(pids, options);
    const titles = head.trim().split(/\s+/);
    return [titles, ...lines.map((line) => cells(line, titles.length))];
  } catch (error) {
    if (!(error instanceof NoPsError) || options.length > 0) throw error;
    return (await import("../host/own-process-table.ts")).ownProcessTable(pids);
  }
}

export async function topCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, ...options] = given.words;
  if (word === undefined) throw new UsageError("top needs a container: `pivot ps` lists them");
  const { name, record, process, status } = await findContainer(engineRoots(globals), word);
  if (process === null) throw new WishError([`container ${name} is not running: it is ${status}`]);
  const table = await tableOf(containerProcesses(record.cgroups, process), options);
  const lines = table.map((row) => row.join("\t"));
  writeAll(1, `${alignColumns(lines.join("\n"), columnWidth, 3)}\n`);
  return 0;
}
