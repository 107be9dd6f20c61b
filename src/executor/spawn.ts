/** Runs the executor as a child: for the library, and for commands that go on afterwards. */

import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readlinkSync, writeSync } from "node:fs";
import type { Readable } from "node:stream";
import { namespaceUse } from "../host/rootless.ts";
import type { Plan } from "../plan/op.ts";
import { decodePlan } from "./decode.ts";
import { encodePlan } from "./encode.ts";
import { type ExecutorEvent, readEvents } from "./events.ts";
import type { StepFailure } from "./failure.ts";
import { executorPath } from "./locate.ts";

/** open(2): a file without a name, which nothing has to remove. */
const O_TMPFILE = 0o20200000;
const O_RDWR = 2;

/** A file that holds the bytes and has no name. The caller closes it. */
function anonymousFile(bytes: Uint8Array): number {
  const fd = openSync("/dev/shm", O_TMPFILE | O_RDWR, 0o600);
  for (let sent = 0; sent < bytes.length; ) sent += writeSync(fd, bytes, sent);
  return fd;
}

/**
 * The sealed copy of itself that an executor runs from; kept, so that the next one need not make
 * another. Nothing can write to it, whatever a container finds of it.
 */
let sealedCopy: number | null = null;

function keepSealedCopy({ pid, exitCode, signalCode }: ChildProcess): void {
  if (sealedCopy !== null || pid === undefined) return;
  // Children are reaped by this thread, and not while it is here: until then nobody gets the pid.
  if (exitCode !== null || signalCode !== null) return;
  try {
    if (!readlinkSync(`/proc/${pid}/exe`).startsWith("/memfd:pivot-executor")) return;
    sealedCopy = openSync(`/proc/${pid}/exe`, "r");
  } catch {
    // It has ended already: another time.
  }
}

/** How a plan ended. */
export type Outcome = {
  /** Set when the program was started. */
  readonly pid: number | null;
  /** The program's exit code, 128 + signal when a signal ended it; null when it never started. */
  readonly exitCode: number | null;
  /** The signal that ended it, or 0. */
  readonly signal: number;
  /** The kernel has killed a process of it for want of memory; known where the plan says which file tells. */
  readonly oomKilled: boolean;
  /** The step that failed. */
  readonly failure: StepFailure | null;
  /** What could not be undone. */
  readonly left: readonly StepFailure[];
};

export type Execution = {
  readonly child: ChildProcess;
  /** Resolves when the program runs, or with null when it never will. */
  readonly started: Promise<number | null>;
  readonly outcome: Promise<Outcome>;
  /** Ends the program by SIGKILL; one that is still being made is given up. */
  readonly end: () => void;
  /** Sends the program a signal, unless it has ended. @throws TypeError when there is no such signal */
  readonly signal: (name: NodeJS.Signals) => void;
};

/** Descriptors of the child: 0 to 2 are the caller's wish. */
const planFd = 3;
const resultFd = 4;

function stepFailure(
  event: { record: number; errno: number; text: string },
  bytes: Uint8Array,
): StepFailure {
  const { stepOfRecord } = decodePlan(bytes);
  return { step: stepOfRecord[event.record] ?? -1, errno: event.errno, text: event.text };
}

/** Collects events into an outcome, and tells each as it comes. */
function follow(results: Readable, bytes: Uint8Array, onEvent: (event: ExecutorEvent) => void) {
  let rest: Uint8Array = new Uint8Array(0);
  const events: ExecutorEvent[] = [];
  results.on("data", (chunk: Uint8Array) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const read = readEvents(rest);
    rest = rest.subarray(read.taken);
    for (const event of read.events) {
      events.push(event);
      onEvent(event);
    }
  });
  return (): Outcome => {
    const find = <K extends ExecutorEvent["kind"]>(kind: K) =>
      events.find((event): event is Extract<ExecutorEvent, { kind: K }> => event.kind === kind);
    const failed = find("failed");
    const ended = find("ended");
    return {
      pid: find("started")?.pid ?? null,
      exitCode: ended?.code ?? null,
      signal: ended?.signal ?? 0,
      oomKilled: ended?.oomKilled ?? false,
      failure: failed === undefined ? null : stepFailure(failed, bytes),
      left: events
        .filter((event) => event.kind === "left")
        .map((event) => stepFailure(event, bytes)),
    };
  };
}

/** An executor that was killed has no word for it, and has not done what it was to do. */
const killedAs = (signal: NodeJS.Signals | null): StepFailure | null =>
  signal === null
    ? null
    : {
        step: -1,
        errno: 0,
        text: `the executor was ended by ${signal} before it was done: there may be too little memory, or too few processes; try again, and \`pivot system prune\` removes what is left`,
      };

/**
 * Carries a plan out. Standard streams are as in `child_process.spawn`; Node and Bun make sockets
 * of "pipe", so the plan's `pipes` should put real pipes between them and the container.
 *
 * @param onEvent told of each event as it comes
 */
export function executePlan(
  plan: Plan,
  stdio: StdioOptions = "inherit",
  onEvent?: (event: ExecutorEvent) => void,
): Execution {
  const bytes = encodePlan(plan);
  const file = anonymousFile(bytes);
  const [stdin, stdout, stderr] = Array.isArray(stdio) ? stdio : [stdio, stdio, stdio];
  let child: ChildProcess;
  try {
    const program = sealedCopy === null ? executorPath() : `/proc/self/fd/${sealedCopy}`;
    const use = namespaceUse(process.env);
    const more = use === null ? [] : [String(resultFd + 1)];
    child = spawn(program, ["run", String(planFd), String(resultFd), ...more], {
      argv0: "pivot-executor",
      stdio: [stdin, stdout, stderr, file, "pipe", ...(use === null ? [] : [use])],
      env: {},
    });
  } finally {
    closeSync(file);
  }
  let tellStarted: (pid: number | null) => void = () => {};
  const started = new Promise<number | null>((resolve) => {
    tellStarted = resolve;
  });
  const life = new Life(child, passesSignals(plan));
  const outcome = new Promise<Outcome>((resolve, reject) => {
    const fail = (error: unknown): void => {
      tellStarted(null);
      const { message } = error as Error;
      reject(new Error(`the executor cannot be started: ${message}`, { cause: error }));
    };
    child.on("error", fail);
    const results = child.stdio?.[resultFd] as Readable | undefined;
    // Node has none when there were no descriptors left: then there is an `error`.
    if (results === undefined) return;
    const collect = follow(results, bytes, (event) => {
      if (event.kind === "started") {
        tellStarted(event.pid);
        keepSealedCopy(child);
      }
      life.see(event);
      onEvent?.(event);
    });
    // Bun's "close" does not wait for the fifth descriptor: the last event may be under way.
    const both = [once(child, "close"), once(results, "close")];
    Promise.all(both).then(() => {
      tellStarted(null);
      const came = collect();
      const isOpen = came.failure === null && came.exitCode === null;
      const failure = isOpen ? killedAs(child.signalCode) : came.failure;
      resolve({ ...came, failure });
    }, fail);
  });
  const signal = (name: NodeJS.Signals) => life.signal(name);
  return { child, started, outcome, end: () => life.end(), signal };
}

/**
 * What an executor passes on, which knows better than we whether its container is still there;
 * `pv_catch_signals` in native/signals.c. Of other signals it would stop or die itself.
 */
const passedOn: ReadonlySet<NodeJS.Signals> = new Set([
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTERM",
  "SIGXCPU",
  "SIGVTALRM",
  "SIGPROF",
  "SIGPWR",
]);

const passesSignals = ({ steps }: Plan): boolean =>
  steps.some(({ op }) => op.op === "supervise" && op.signals);

/** Whom to kill: the executor while it makes the container, then the container alone. */
class Life {
  readonly #executor: ChildProcess;
  readonly #isPassing: boolean;
  #pid: number | null = null;
  #hasEnded = false;
  #isWanted = true;

  constructor(executor: ChildProcess, isPassing: boolean) {
    this.#executor = executor;
    this.#isPassing = isPassing;
  }

  see(event: ExecutorEvent): void {
    if (event.kind === "started") this.#pid = event.pid;
    // Its pid may be somebody else's from now on.
    if (event.kind === "ended" || event.kind === "failed") this.#hasEnded = true;
    if (event.kind === "started" && !this.#isWanted) this.end();
  }

  end(): void {
    this.#isWanted = false;
    if (this.#hasEnded) return;
    if (this.#pid === null) this.#executor.kill("SIGTERM");
    else this.#send(this.#pid, "SIGKILL");
  }

  signal(name: NodeJS.Signals): void {
    if (name === "SIGKILL") this.end();
    else if (this.#hasEnded) return;
    else if (this.#pid === null || (this.#isPassing && passedOn.has(name))) {
      this.#executor.kill(name);
    } else this.#send(this.#pid, name);
  }

  /** It may have ended, and the word of it be under way. */
  #send(pid: number, name: NodeJS.Signals): void {
    try {
      process.kill(pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}
