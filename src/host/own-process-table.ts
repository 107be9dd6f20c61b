/** What `ps -ef` prints of some processes, for hosts that have no ps(1): read from /proc. */

import { readFileSync } from "node:fs";
import { readIfThere } from "./first-process.ts";

/** USER_HZ, which is 100 on every Linux that pivot runs on. */
const ticksPerSecond = 100;

const titles = ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"] as const;

const two = (number: number): string => String(number).padStart(2, "0");

/** The names of the host's /etc/passwd; a user without a line there is a number. */
function userNames(): ReadonlyMap<string, string> {
  const lines = (readIfThere("/etc/passwd") ?? "").split("\n").map((line) => line.split(":"));
  return new Map(lines.map(([name = "", , uid = ""]) => [uid, name]));
}

/** tty_nr of proc_pid_stat(5): terminals of devpts, consoles and serial lines. */
function terminalName(number: number): string {
  const major = (number >> 8) & 0xfff;
  const minor = (number & 0xff) | ((number >> 12) & 0xfff00);
  if (major >= 136 && major <= 143) return `pts/${(major - 136) * 256 + minor}`;
  if (major === 4) return minor < 64 ? `tty${minor}` : `ttyS${minor - 64}`;
  return "?";
}

/** As ps has it: the time of day, of what is older the date. */
function startText(started: Date, now: Date): string {
  if (now.getTime() - started.getTime() < 24 * 3_600_000) {
    return `${two(started.getHours())}:${two(started.getMinutes())}`;
  }
  const month = started.toLocaleString("en-US", { month: "short" });
  return now.getFullYear() === started.getFullYear()
    ? `${month}${two(started.getDate())}`
    : String(started.getFullYear());
}

const cpuText = (seconds: number): string =>
  `${two(Math.trunc(seconds / 3600))}:${two(Math.trunc(seconds / 60) % 60)}:${two(Math.trunc(seconds) % 60)}`;

/** The arguments; of a process without any, such as one of the kernel, the name. */
function commandText(pid: number, name: string): string {
  const arguments_ = (readIfThere(`/proc/${pid}/cmdline`) ?? "").replaceAll("\0", " ").trim();
  return (arguments_ === "" ? `[${name}]` : arguments_).replace(/\p{Cc}/gu, "?");
}

/** Seconds since 1970 at which the machine began to count. */
function bootTime(): number {
  return Number(/^btime (\d+)$/m.exec(readFileSync("/proc/stat", "utf8"))?.[1] ?? 0);
}

/** The titles, and a row for each process that is still there. */
export function ownProcessTable(pids: readonly number[], now = new Date()): string[][] {
  const names = userNames();
  const boot = bootTime();
  const rows = pids.flatMap((pid) => {
    const stat = readIfThere(`/proc/${pid}/stat`);
    const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(readIfThere(`/proc/${pid}/status`) ?? "")?.[1];
    if (stat === null || uid === undefined) return [];
    const end = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, end);
    // From the third field on, which proc_pid_stat(5) calls state.
    const fields = stat.slice(end + 2).split(" ");
    const field = (number: number): number => Number(fields[number - 3] ?? 0);
    const used = (field(14) + field(15)) / ticksPerSecond;
    const started = new Date((boot + field(22) / ticksPerSecond) * 1000);
    const age = Math.max(1, (now.getTime() - started.getTime()) / 1000);
    return [
      [
        names.get(uid) ?? uid,
        String(pid),
        String(field(4)),
        String(Math.min(99, Math.trunc((used * 100) / age))),
        startText(started, now),
        terminalName(field(7)),
        cpuText(used),
        commandText(pid, name),
      ],
    ];
  });
  return [[...titles], ...rows];
}
