/**
 * Drives the real executor with plans written by hand: builds the program once, starts it, and
 * reads back its events, its output and what it cost.
 */
import { afterAll } from "bun:test";
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { encodePlan } from "../src/executor/encode.ts";
import { type ExecutorEvent, readEvents } from "../src/executor/events.ts";
import type { Namespace, Stream } from "../src/plan/constants.ts";
import type { Op, Place, Plan, Step } from "../src/plan/op.ts";
import { patience } from "./patience.ts";

export const native = new URL("../native/", import.meta.url).pathname;
export const isRoot = process.getuid?.() === 0;

/** A directory for everything that test files make; it comes and goes with each of them. */
export const directory = `${tmpdir()}/pivot-executor-${process.pid}`;
/** Built when the tests are loaded, since it takes longer than a test may; once for its sources. */
export const executor = build();
let count = 0;
export const freshPath = (name = "file"): string => {
  prepare();
  return `${directory}/${name}-${count++}`;
};
export const freshDirectory = (name = "directory"): string => {
  const path = freshPath(name);
  mkdirSync(path);
  return path;
};
/** Started and not yet ended: with it ends the container, which must not outlive a failed test. */
const running = new Set<ChildProcess>();
/** To be called once by each test file: what is shared would be removed after the first of them. */
export function leaveNothing(): void {
  afterAll(() => {
    for (const child of running) child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
}

/** Compiles C files to a static program. */
export function compile(name: string, sources: readonly string[]): string {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const program = `${directory}/${name}`;
  compileTo(program, sources);
  return program;
}

function compileTo(program: string, sources: readonly string[]): void {
  const argv = ["-std=c11", "-O0", "-static", "-o", program, ...sources];
  const { status, stderr } = spawnSync("cc", argv, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
}

function build(): string {
  const sources = readdirSync(native)
    .filter((name) => /\.[ch]$/.test(name))
    .map((name) => native + name);
  const key = createHash("sha256");
  for (const path of sources) key.update(readFileSync(path));
  const name = `executor-${key.digest("hex").slice(0, 16)}`;
  const kept = new URL(`../build/test/${name}/`, import.meta.url).pathname;
  const program = `${kept}pivot-executor`; // by any other name it is the launcher
  if (existsSync(program)) return program;
  mkdirSync(kept, { recursive: true });
  const fresh = `${program}.${process.pid}`;
  compileTo(
    fresh,
    sources.filter((path) => path.endsWith(".c")),
  );
  renameSync(fresh, program);
  return program;
}

/** Makes the directory, unless it is there. */
export function prepare(): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
}

// ── plans ──────────────────────────────────────────────────────────────────────────────────

export const byInit = (op: Op): Step => ({ by: "init", op, why: "test" });
export const byParent = (op: Op, undo?: Op, keep?: boolean): Step => ({
  by: "parent",
  op,
  why: "test",
  ...(undo === undefined ? {} : { undo }),
  ...(keep === undefined ? {} : { keep }),
});
export const onHost = (path: string): Place => ({ in: "host", path });

export const clone = (namespaces: readonly Namespace[] = ["mount", "pid"]): Step =>
  byParent({
    op: "clone",
    namespaces,
    cgroup: null,
    user: null,
    process: null,
    join: [],
    proc: null,
  });

export const privately: Step = byInit({
  op: "mount_setattr",
  at: onHost("/"),
  attributes: [],
  clear: [],
  propagation: "private",
  recursive: true,
});

export const mountTmpfs = (at: Place | null, into: string | null): Step =>
  byInit({
    op: "mount",
    type: "tmpfs",
    source: "tmpfs",
    options: ["mode=755"],
    attributes: [],
    at,
    create: "matching",
    into,
  });

export const supervise = (wish: Partial<Extract<Op, { op: "supervise" }>> = {}): Step =>
  byParent({
    op: "supervise",
    signals: true,
    parent: true,
    status: null,
    replace: false,
    oom: null,
    ...wish,
  });

export const execute = (argv: readonly string[], env: readonly string[] = []): Step =>
  byInit({ op: "exec", paths: [argv[0] ?? ""], argv, env: ["PATH=/usr/bin:/bin", ...env] });

export const closeFds = byInit({ op: "close_fds", from: 3 });

type Streams = readonly [Stream, Stream, Stream];

/** The plan of a process that sees the host's files, in mount and pid namespaces of its own. */
export function planOf(
  argv: readonly string[],
  {
    streams = ["inherit", "inherit", "inherit"] as Streams,
    namespaces = ["mount", "pid"] as readonly Namespace[],
    before = [] as readonly Step[],
    inside = [] as readonly Step[],
    last = [] as readonly Step[],
    supervision = {},
  } = {},
): Step[] {
  const [stdin, stdout, stderr] = streams;
  const proc: Step = byInit({
    op: "mount",
    type: "proc",
    source: "proc",
    options: [],
    attributes: [],
    at: onHost("/proc"),
    create: "existing",
    into: null,
  });
  return [
    ...before,
    byParent({ op: "pipes", stdin, stdout, stderr }),
    clone(namespaces),
    ...(namespaces.includes("mount") ? [privately] : []),
    ...(namespaces.includes("mount") && namespaces.includes("pid") ? [proc] : []),
    ...inside,
    byInit({ op: "stdio", stdin, stdout, stderr, null: onHost("/dev/null") }),
    byInit({ op: "setsid", terminal: stdin === "terminal" }),
    closeFds,
    ...last,
    execute(argv),
    supervise(supervision),
  ];
}

export const shell = (script: string): string[] => ["/bin/sh", "-c", script];

// ── runs ───────────────────────────────────────────────────────────────────────────────────

export type Outcome = {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly events: readonly ExecutorEvent[];
};

export type Running = {
  readonly process: ChildProcess;
  readonly pid: number;
  readonly events: () => ExecutorEvent[];
  /** What it has written so far. A listener of one's own could come too late for it. */
  readonly said: () => string;
  readonly outcome: Promise<Outcome>;
};

const text = async (
  stream: AsyncIterable<Uint8Array> | null,
  parts: Uint8Array[] = [],
): Promise<string> => {
  if (stream !== null) for await (const part of stream) parts.push(part);
  return Buffer.concat(parts).toString();
};

/** What stands before the executor, such as `nice` or a shell that closes descriptors. */
export type Start = {
  readonly stdio?: readonly [unknown, unknown, unknown];
  readonly wrapper?: readonly string[];
  readonly options?: SpawnOptions;
};

/** The files of one run: the plan, and an empty one for the events. */
export function writePlan(steps: readonly Step[]): { planFile: string; resultFile: string } {
  const plan: Plan = { version: 1, steps };
  const planFile = freshPath("plan");
  const resultFile = freshPath("result");
  writeFileSync(planFile, encodePlan(plan));
  writeFileSync(resultFile, "");
  return { planFile, resultFile };
}

export const eventsIn = (resultFile: string): ExecutorEvent[] =>
  readEvents(readFileSync(resultFile)).events;

export function start(
  steps: readonly Step[],
  { stdio = ["ignore", "pipe", "pipe"], wrapper = [], options = {} }: Start = {},
): Running {
  const { planFile, resultFile } = writePlan(steps);
  const files = [openSync(planFile, "r"), openSync(resultFile, "r+")];
  const [program = "", ...argv] = [...wrapper, executor, "run", "3", "4"];
  const child = spawn(program, argv, { ...options, stdio: [...stdio, ...files] as never });
  for (const file of files) closeSync(file);
  running.add(child);
  const ended = new Promise<{ code: number | null; signal: string | null }>((resolve, reject) => {
    child.on("exit", (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
    child.on("error", reject);
  });
  const events = () => eventsIn(resultFile);
  const heard: Uint8Array[] = [];
  const said = () => Buffer.concat(heard).toString();
  const outcome = Promise.all([ended, text(child.stdout, heard), text(child.stderr)]).then(
    ([end, stdout, stderr]) => ({ ...end, stdout, stderr, events: events() }),
  );
  return { process: child, pid: child.pid ?? -1, events, said, outcome };
}

export const run = (steps: readonly Step[], how?: Start): Promise<Outcome> =>
  start(steps, how).outcome;

export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    if (waited > 5000 * patience) throw new Error(`waited ${5 * patience} s in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export const failureOf = ({ events }: Outcome) => events.find(({ kind }) => kind === "failed");

/** A process that is there and is not just waiting for its parent to notice its end. */
export function isRunning(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Time on the processor, user and system, in hundredths of a second. */
export function processorTime(pid: number): number {
  const [, , , , , , , , , , , utime = "0", stime = "0"] = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return Number(utime) + Number(stime);
}
