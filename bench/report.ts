// The result as Markdown, and its place in docs/benchmarks.md.

import { readFileSync } from "node:fs";
import { cpus, loadavg, release, totalmem } from "node:os";
import type { About } from "./cases.ts";
import { command, findProgram } from "./command.ts";
import type { Resident } from "./memory.ts";
import { median, type Random, ratioOfMedians, summarize } from "./statistics.ts";

/** What runs cost: one value per round. */
export interface Cost {
  /** Milliseconds from spawn to exit. */
  readonly times: readonly number[];
  /** Milliseconds of user and system time of the whole tree; empty where it was not seen. */
  readonly cpu: readonly number[];
  /** KiB resident of the largest process of the tree, over all runs; 0 where it was not seen. */
  readonly peakRss: number;
}

/** All measured of one case. */
export interface Measured extends Cost {
  readonly about: About;
}

type Row = readonly string[];

/** A Markdown table. All columns after the first are right-aligned when they hold figures. */
export function markdownTable(head: Row, rows: readonly Row[]): string {
  const figures = (column: number) => rows.every((row) => /^[-–—0-9]/.test(row[column] ?? ""));
  const rule = head.map((_, column) => (column > 0 && figures(column) ? "---:" : "---"));
  return [head, rule, ...rows].map((row) => `| ${row.join(" | ")} |`).join("\n");
}

export const yes = (value: boolean) => (value ? "yes" : "no");
export const ms = (value: number) => value.toFixed(2);
export const mib = (kib: number) => (kib / 1024).toFixed(1);

/** The heads of `costCells`. */
export const costHead = ["min", "median", "p90", "CPU", "peak RSS"] as const;

/** Times and memory of a row; a dash for what was not seen. */
export function costCells({ times, cpu, peakRss }: Cost): string[] {
  const { min, median: middle, p90 } = summarize(times);
  const seen = [cpu.length > 0 ? ms(median(cpu)) : "–", peakRss > 0 ? mib(peakRss) : "–"];
  return [ms(min), ms(middle), ms(p90), ...seen];
}

/** A ratio with its interval; 1 for the base itself, a dash without a base of as many rounds. */
export function ratioCell(
  samples: readonly number[],
  base: readonly number[] | undefined,
  random: Random,
): string {
  if (samples === base) return "1";
  if (base === undefined || base.length !== samples.length) return "–";
  const { ratio, low, high } = ratioOfMedians(samples, base, random);
  return `${ms(ratio)} (${ms(low)}–${ms(high)})`;
}

/**
 * The table of start times. Throws when `base` is not among the measured.
 * A ratio of 2 says: takes twice the time of `base`.
 */
export function timeTable(measured: readonly Measured[], base: string, random: Random): string {
  const reference = measured.find(({ about }) => about.id === base);
  if (!reference) throw new Error(`the base ${base} is not among the cases that ran`);
  const rows = measured.map((each) => {
    const { id, root, cgroups, seccomp } = each.about;
    const isolation = [root, yes(cgroups), yes(seccomp)];
    return [id, ...isolation, ...costCells(each), ratioCell(each.times, reference.times, random)];
  });
  const head = ["case", "root", "cgroups", "seccomp", ...costHead, `of ${base} (95 %)`];
  return markdownTable(head, rows);
}

/** The table of what stays in memory while a container runs. */
export function residentTable(residents: readonly Resident[]): string {
  const rows = residents.map(({ id, mode, programs, rss, pss }) => {
    const names = programs.length > 0 ? programs.toSorted().join(", ") : "none";
    return [id, mode, names, mib(rss), mib(pss)];
  });
  return markdownTable(["case", "command", "processes", "RSS", "PSS"], rows);
}

/** Date, machine and versions of what was compared, a line each. */
export function circumstances(load: readonly number[] = loadavg()): string[] {
  const [cpu] = cpus();
  const versions = [
    ["crun", "--version"],
    ["runc", "--version"],
    ["bwrap", "--version"],
    ["podman", "--version"],
    ["conmon", "--version"],
    ["unshare", "--version"],
  ].flatMap(([name = "", option = ""]) =>
    findProgram(name) ? [command([name, option]).split("\n")[0] ?? ""] : [],
  );
  return [
    `- Date: ${new Date().toISOString().slice(0, 10)}`,
    `- Machine: ${cpus().length} × ${cpu?.model.trim()}, ${hypervisor()}, Linux ${release()}, ` +
      `${Math.round(totalmem() / 2 ** 30)} GiB; load average at the start ${load[0]?.toFixed(2)}`,
    `- Versions: ${[...versions, `bun ${Bun.version}`].join("; ")}`,
  ];
}

/** Virtual machines pay for instructions and page faults that are free on bare metal. */
function hypervisor(): string {
  return / hypervisor\b/.test(readFileSync("/proc/cpuinfo", "utf8"))
    ? "virtual machine"
    : "bare metal";
}

/**
 * The document with what stands between the markers replaced; appended without markers.
 *
 * @param script whose result it is, by which the markers are told apart
 */
export function insertResult(document: string, result: string, script = "bench/start.ts"): string {
  const begin = `<!-- result of ${script}: begin -->`;
  const end = `<!-- result of ${script}: end -->`;
  const block = `${begin}\n${result.trim()}\n${end}`;
  const from = document.indexOf(begin);
  const to = document.indexOf(end);
  if (from < 0 && to < 0) return `${document.trimEnd()}\n\n${block}\n`.trimStart();
  if (from < 0 || to < from) throw new Error("the markers of the result do not form a pair");
  return document.slice(0, from) + block + document.slice(to + end.length);
}
