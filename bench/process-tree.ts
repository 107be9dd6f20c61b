// Processes below a process, as /proc shows them: for memory figures and for the clean-up.

import { readdirSync, readFileSync } from "node:fs";

/** Resident and proportional set size in KiB (proc_pid_smaps(5), smaps_rollup). */
export interface Memory {
  readonly rss: number;
  readonly pss: number;
}

/** A file of /proc, or nothing when its process has ended meanwhile. */
function readProc(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** The pids below `ancestor`, without it, in no order. Ended processes are left out. */
export function descendants(ancestor: number): number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc")) {
    const stat = /^[0-9]+$/.test(name) ? readProc(`/proc/${name}/stat`) : "";
    // The second field is the program's name in parentheses and may hold any character.
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (parent === undefined || state === "Z" || state === "X") continue;
    children.set(Number(parent), [...(children.get(Number(parent)) ?? []), Number(name)]);
  }
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(ancestor);
}

/** The argument vector of a process; empty for a kernel thread or an ended process. */
export function commandLine(pid: number): string[] {
  return readProc(`/proc/${pid}/cmdline`).split("\0").slice(0, -1);
}

/** Memory of a process; zero when it has ended. */
export function memoryOf(pid: number): Memory {
  const rollup = readProc(`/proc/${pid}/smaps_rollup`);
  const kib = (field: string) =>
    Number(new RegExp(`^${field}: +([0-9]+) kB$`, "m").exec(rollup)?.[1] ?? 0);
  return { rss: kib("Rss"), pss: kib("Pss") };
}

/** Sends SIGKILL to a process of ours; it may have ended already. */
export function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
