/** The processes of a container, as the host sees them, and what ps(1) says of them. */

import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { WishError } from "../container/wish-error.ts";

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
export function containerProcesses(
  cgroups: readonly string[],
  first: { readonly pid: number } | null,
): number[] {
  const found = new Set<number>();
  // Who is in one of its cgroups is in all of them; without one, only the first process is known.
  const [cgroup] = cgroups;
  if (cgroup !== undefined) processesBelow(cgroup, found);
  else if (first !== null) found.add(first.pid);
  return [...found].sort((a, b) => a - b);
}

/** There is no ps(1) here. */
export class NoPsError extends WishError {
  override name = "NoPsError";
}

type PsOutput = { readonly stdout: string; readonly failure: string | null };

/** What is wrong; ps goes on with how it is used. */
const firstLine = (text: string): string =>
  (text.split("\n").find((line) => line.trim() !== "") ?? "").replace(/^error: /, "");

/** @throws NoPsError */
function ps(args: readonly string[]): PsOutput {
  const { stdout, status, error, stderr } = spawnSync("ps", args, {
    encoding: "utf8",
    maxBuffer: 256 << 20,
    env: { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C" },
  });
  if ((error as NodeJS.ErrnoException | undefined)?.code === "ENOENT") {
    throw new NoPsError(["there is no ps: install procps"]);
  }
  const failed = error !== undefined || status !== 0;
  return { stdout, failure: failed ? (error?.message ?? stderr.trim()) : null };
}

/**
 * What `ps` says of these processes: the line of titles, and one for each.
 *
 * @param options as for ps(1); `-ef` when there are none
 * @throws NoPsError; WishError when ps does not know the options, or its output has no column PID
 */
export function processTable(pids: readonly number[], options: readonly string[]): string[] {
  const args = options.length > 0 ? options : ["-ef"];
  // By their pids, since options that choose none mean the caller's own processes. Some options do
  // not go together with -q; docker's daemon asks in the same two ways.
  let { stdout, failure } = ps([...args, `-q${pids.join(",")}`]);
  if (failure !== null) ({ stdout, failure } = ps(args));
  if (failure !== null) throw new WishError([`ps: ${firstLine(failure)}`]);
  const [head = "", ...lines] = stdout.split("\n");
  const column = head.trim().split(/\s+/).indexOf("PID");
  if (column < 0) throw new WishError(["ps: its output has no column PID: choose other options"]);
  const wanted = new Set(pids.map(String));
  return [head, ...lines.filter((line) => wanted.has(line.trim().split(/\s+/)[column] ?? ""))];
}
