/** `list` and `ps`: containers, and the processes of one. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";
import { type Container, stateDocument } from "./record.ts";

/** Columns as wide as what is in them, two spaces between, as the peers print them. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) =>
    Math.max(...rows.map((row) => (row[i] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join("");
}

export const listTable = (containers: readonly Container[]): string =>
  table([
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...containers.map(({ id, process, status, record }) => [
      id,
      String(process?.pid ?? 0),
      status,
      record?.bundle ?? "",
      record?.created ?? "",
      "root",
    ]),
  ]);

export const listJson = (containers: readonly Container[]): string =>
  `${JSON.stringify(
    containers.map((container) => ({
      ...stateDocument(container),
      pid: container.process?.pid ?? 0,
    })),
  )}\n`;

function processesBelow(cgroup: string, found: Set<number>): void {
  let entries: { name: string; isDirectory: () => boolean }[];
  try {
    for (const line of readFileSync(`${cgroup}/cgroup.procs`, "utf8").split("\n")) {
      if (Number(line) > 0) found.add(Number(line));
    }
    entries = readdirSync(cgroup, { withFileTypes: true });
  } catch {
    return; // removed meanwhile
  }
  for (const entry of entries) {
    if (entry.isDirectory()) processesBelow(`${cgroup}/${entry.name}`, found);
  }
}

/** The pids of a container, as the host has them. */
export function containerProcesses({ record, process }: Container): number[] {
  const found = new Set<number>();
  // Who is in one of its cgroups is in all of them; without one, only the first process is known.
  const [cgroup] = record?.cgroups ?? [];
  if (cgroup !== undefined) processesBelow(cgroup, found);
  else if (process !== null) found.add(process.pid);
  return [...found].sort((a, b) => a - b);
}

/**
 * What `ps` says of these processes.
 *
 * @param options as for ps(1); `-ef` when there are none
 * @throws WishError when there is no ps, or its output has no column PID
 */
export function processTable(pids: readonly number[], options: readonly string[]): string {
  const { stdout, status, error, stderr } = spawnSync(
    "ps",
    options.length > 0 ? [...options] : ["-ef"],
    {
      encoding: "utf8",
      env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
    },
  );
  if (error !== undefined || status !== 0) {
    throw new WishError([
      `ps: ${error?.message ?? stderr.trim()}: install procps, or use --format json`,
    ]);
  }
  const [head = "", ...lines] = stdout.split("\n");
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new WishError(["ps: its output has no column PID: choose other options"]);
  const wanted = new Set(pids.map(String));
  const own = lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ""));
  return `${[head, ...own].join("\n")}\n`;
}
