// Commands under `tracer.c`: which system calls they make, and what comes of it when one of them fails
// or the command is killed after it.

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { compileC, type Ground, pivotPath, whyNot as whyNoContainer } from "../pivot.ts";

/** Why nothing can be traced here, in words; undefined: it can. */
export const whyNot: string | undefined =
  whyNoContainer ?? (process.arch === "x64" ? undefined : "the tracer knows x86-64 alone");

/** A call of one of the command's processes, the same in each run. */
export type Point = {
  /** Who forked it: `0` the first, `0.2` its second child. */
  readonly process: string;
  readonly name: string;
  /** Of the calls of that name within that process, from 1. */
  readonly number: number;
  /** What it may fail with, by name. */
  readonly errors: readonly string[];
};

export type Fault =
  | { readonly how: "fail"; readonly error: string }
  /** The process that made the call alone, or all of them. */
  | { readonly how: "kill" | "kill-all" };

export type Traced = {
  /** null: a signal ended the command; "late": it, or one it left, did not end. */
  readonly code: number | "late" | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Whether it came to that call at all. */
  readonly met: boolean;
};

const seconds = 30;
let count = 0;

export type Call = {
  readonly words: readonly string[];
  /** The compiled command line too: its changes of files. */
  readonly program?: boolean;
  /** In place of build/pivot. */
  readonly path?: string;
  /** It leaves processes that go on: they are followed no longer than the command itself. */
  readonly leaves?: boolean;
};

async function trace(ground: Ground, mode: readonly string[], call: Call) {
  const report = `${ground.directory}/trace-${count++ % 8}`;
  const args = [report, String(seconds), ...mode, call.path ?? pivotPath, ...call.words];
  const child = spawn(compileC("faults/tracer.c"), args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: {
      ...process.env,
      PIVOT_NETWORK: "none",
      ...(call.program === true ? { TRACE_PROGRAM: "1" } : {}),
      ...(call.leaves === true ? { TRACE_LET_GO: "1" } : {}),
    },
  });
  const said = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text) => {
      said[name] += text;
    });
  }
  const code = await new Promise((resolve) => child.once("exit", resolve));
  // Who stays may have the pipes open, and what the command said itself is in them.
  await Bun.sleep(1);
  child.stdout.destroy();
  child.stderr.destroy();
  if (code !== 0) throw new Error(`the tracer ended with ${code}: ${said.stderr}`);
  return { ...said, lines: readFileSync(report, "utf8").trim().split("\n") };
}

/** The points of a command, which has to succeed. */
export async function pointsOf(
  ground: Ground,
  call: Call,
  which: "all" | "changes" = "all",
): Promise<Point[]> {
  const { lines, stderr } = await trace(ground, [which === "all" ? "list" : "list-changes"], call);
  if (lines.at(-1) !== "ended 0") throw new Error(`${call.words.join(" ")}: ${stderr}`);
  return lines.slice(0, -1).map((line) => {
    const [, process = "", name = "", number = "", errors = ""] = line.split(" ");
    return { process, name, number: Number(number), errors: errors.split(",").filter(Boolean) };
  });
}

/** The command with a fault at that point. */
export async function withFault(
  ground: Ground,
  call: Call,
  { process, name, number }: Point,
  fault: Fault,
): Promise<Traced> {
  const at = [process, name, String(number), ...(fault.how === "fail" ? [fault.error] : [])];
  const { lines, stdout, stderr } = await trace(ground, [fault.how, ...at], call);
  const last = lines.at(-1) ?? "";
  const [, status] = /^ended (\d+)$/.exec(last) ?? [];
  const code = last === "timeout" ? "late" : status === undefined ? null : Number(status);
  return { code, stdout, stderr, met: lines.includes("met") };
}

/** PIVOT_FAULTS_FIRST=1: the first thing that is wrong is enough, as for who wants to know whether any is. */
export const isEnough = (wrong: readonly unknown[]): boolean =>
  wrong.length > 0 && process.env["PIVOT_FAULTS_FIRST"] === "1";

/** So many of them, spread over all: PIVOT_FAULTS says how many at most (all of them: 0). */
export function some<T>(of: readonly T[], most: number): readonly T[] {
  const wanted = Number(process.env["PIVOT_FAULTS"] ?? String(most));
  if (wanted === 0 || of.length <= wanted) return of;
  const seed = Number(process.env["PIVOT_SEED"] ?? "0");
  const step = of.length / wanted;
  const first = (seed % 97) / 97;
  const chosen = new Set(Array.from({ length: wanted }, (_, i) => Math.floor((i + first) * step)));
  return of.filter((_, i) => chosen.has(i));
}
