/**
 * The library: run a command in a container.
 *
 * ```ts
 * import { run } from "pivot-runtime";
 *
 * const { stdout, exitCode } = await run({ image: "busybox", command: ["echo", "hello"] });
 * ```
 */

import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import type { Readable, Writable } from "node:stream";
import type { PullPolicy } from "./container/find-image.ts";
import {
  type ContainerWish,
  type PreparedContainer,
  prepareContainer,
  type Source,
} from "./container/prepare.ts";
import { defaultRoots, type Roots } from "./container/roots.ts";
import { describeFailure, exitCodeOf, type StepFailure } from "./executor/failure.ts";
import { type Execution, executePlan, type Outcome } from "./executor/spawn.ts";
import { readStreams } from "./host/streams.ts";
import { parsePlatform } from "./image/platform.ts";
import type { RunOptions } from "./options/options.ts";
import type { Plan } from "./plan/op.ts";
import type { StreamFact } from "./planner/facts.ts";

/** `pipe`: kept and given with the result, or read from a stream; `inherit`: the caller's own. */
export type StreamChoice = "pipe" | "inherit" | "ignore";

export type RunRequest = Omit<RunOptions, "interactive" | "tty"> & {
  /** `busybox`, `oci:DIR[:REF]`, `docker-archive:FILE[:REF]`. */
  readonly image?: string;
  /** A directory to use as root, in place of an image. */
  readonly rootfs?: string;
  /** A directory with a config.json, which says all but the streams. */
  readonly bundle?: string;
  /** When the image is asked of its registry; `missing` unless given. */
  readonly pull?: PullPolicy;
  /** `linux/arm64`: the only platform of the image that will do; it is pulled when another one is there. */
  readonly platform?: string;
  /** Replaces the image's command. */
  readonly command?: readonly string[];
  /** What the command reads: a text, bytes, a stream to write to, the caller's own, or nothing. */
  readonly stdin?: string | Uint8Array | StreamChoice;
  readonly stdout?: StreamChoice;
  readonly stderr?: StreamChoice;
  /** Ends the container (SIGKILL) when it fires. */
  readonly signal?: AbortSignal;
  /** Ends the container (SIGKILL) after so many milliseconds. */
  readonly timeout?: number;
  /** Where images and state are kept; default: as the command line has them. */
  readonly roots?: Partial<Roots>;
};

/** How a container ended. */
export type RunResult = {
  readonly id: string;
  readonly exitCode: number;
  /** The number of the signal that ended it, or 0. */
  readonly signal: number;
  /** What it wrote, of streams that are `pipe`. */
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly aborted: boolean;
  /** One line each: what is odd but no reason to stop. */
  readonly warnings: readonly string[];
};

/** The container could not be made: the shape of a result, and the step that failed. */
export class RunError extends Error {
  override name = "RunError";
  readonly id: string;
  /** As docker's: 127 no such program, 126 not executable, 125 anything else. */
  readonly exitCode: number;
  readonly failure: StepFailure;
  readonly plan: Plan;

  constructor(id: string, plan: Plan, failure: StepFailure) {
    super(describeFailure(plan, failure));
    this.id = id;
    this.plan = plan;
    this.failure = failure;
    this.exitCode = exitCodeOf(plan, failure);
  }
}

/** A container that runs. */
export type RunningContainer = {
  readonly id: string;
  /** Of its first process, as the host sees it. */
  readonly pid: number;
  readonly stdin: Writable | null;
  readonly stdout: Readable | null;
  readonly stderr: Readable | null;
  readonly warnings: readonly string[];
  /** Sends a signal to the container's first process; process 1 ignores what it does not handle. */
  readonly kill: (signal?: NodeJS.Signals) => void;
  /** Resolves when it has ended and everything of it is gone. */
  readonly ended: Promise<{ readonly exitCode: number; readonly signal: number }>;
};

function sourceOf({ image, rootfs, bundle }: RunRequest): Source {
  const given = [image, rootfs, bundle].filter((each) => each !== undefined).length;
  if (given !== 1) throw new TypeError("name one of image, rootfs and bundle");
  if (image !== undefined) return { kind: "image", reference: image };
  if (rootfs !== undefined) return { kind: "rootfs", directory: resolve(rootfs), readonly: false };
  return { kind: "bundle", directory: resolve(bundle ?? "") };
}

/** How `stdin` is given to the executor: what is to be read comes through a pipe. */
function inputChoice({ stdin }: StreamRequest): StreamChoice {
  if (stdin === undefined) return "ignore";
  return stdin === "inherit" || stdin === "ignore" ? stdin : "pipe";
}

/** What the executor's streams will be: child_process makes sockets of pipes. */
function streamFacts(choices: readonly [StreamChoice, StreamChoice, StreamChoice]) {
  const own = readStreams();
  const facts = choices.map((choice, i): StreamFact => {
    if (choice === "inherit") return own[i] ?? "closed";
    return choice === "ignore" ? "null" : "socket";
  });
  return facts as [StreamFact, StreamFact, StreamFact];
}

/** What is planned, whatever it was planned from. */
type Planned = {
  readonly id: string;
  readonly plan: Plan;
  readonly warnings: readonly string[];
};

type Begun = Execution & Planned;

/** What a request says of the program's streams and of its end. */
export type StreamRequest = Pick<RunRequest, "stdin" | "stdout" | "stderr" | "signal" | "timeout">;

/** Plans a program whose streams will be these. */
export type Prepare = (streams: readonly [StreamFact, StreamFact, StreamFact]) => Promise<Planned>;

const prepareRequest =
  (request: RunRequest): Prepare =>
  (streams) => {
    const { image, rootfs, bundle, command, stdin, stdout, stderr, signal, timeout, ...rest } =
      request;
    const { roots, pull, platform, ...options } = rest;
    const wish: ContainerWish = {
      source: sourceOf(request),
      command: command ?? [],
      options: { rm: true, ...options, interactive: inputChoice(request) !== "ignore" },
      roots: { ...defaultRoots(process.geteuid?.() ?? 0, process.env), ...roots },
      cwd: process.cwd(),
      streams,
      endWithCaller: true,
      pullImage: async (store, reference, chosen) => {
        const { pullImage } = await import("./registry/pull.ts");
        const { executorPath } = await import("./executor/locate.ts");
        const stop = signal === undefined ? {} : { signal };
        return pullImage(store, reference, {
          executor: executorPath(),
          ...stop,
          ...(chosen === undefined ? {} : { platform: chosen }),
        });
      },
      ...(pull === undefined ? {} : { pull }),
      platform: platform === undefined ? undefined : parsePlatform(platform),
    };
    return wish.options.rm === true ? prepareContainer(wish) : prepareKept(wish);
  };

async function begin(request: StreamRequest, prepare: Prepare): Promise<Begun> {
  const { stdout, stderr, signal } = request;
  const choices = [inputChoice(request), stdout ?? "pipe", stderr ?? "pipe"] as const;
  const { id, plan, warnings } = await prepare(streamFacts(choices));
  signal?.throwIfAborted();
  return { id, plan, warnings, ...executePlan(plan, [...choices]) };
}

/** One that stays when it has ended: the engine's commands know it. */
async function prepareKept(wish: ContainerWish): Promise<PreparedContainer> {
  const { keepStarted } = await import("./engine/keep-started.ts");
  return keepStarted(wish);
}

function endOf({ id, plan }: Begun, { failure, exitCode, signal, left }: Outcome) {
  if (failure !== null) throw new RunError(id, plan, failure);
  const remainder = left[0];
  if (remainder !== undefined) throw new RunError(id, plan, remainder);
  if (exitCode === null) throw new Error(`the executor of container ${id} was killed`);
  return { exitCode, signal };
}

/**
 * Starts a container and gives it back as soon as its program runs.
 *
 * @throws WishError when the request makes no sense; ImageError; RunError when a step failed
 */
export async function start(request: RunRequest): Promise<RunningContainer> {
  const begun = await begin(request, prepareRequest(request));
  const { child, id, warnings } = begun;
  const pid = await begun.started;
  const ended = begun.outcome.then((outcome) => endOf(begun, outcome));
  if (pid === null) {
    await ended;
    throw new Error(`container ${id} did not start`);
  }
  // Whoever does not wait for the end is not to be killed by its failure.
  ended.catch(() => {});
  feed(child, request.stdin);
  const stop = watch(request, begun);
  ended.finally(stop).catch(() => {});
  const { stdin, stdout, stderr } = child;
  // The executor passes it on, or takes SIGKILL as what it is.
  const kill = (name: NodeJS.Signals = "SIGKILL"): void => {
    if (name === "SIGKILL") begun.end();
    else child.kill(name);
  };
  return { id, pid, stdin, stdout, stderr, warnings, kill, ended };
}

/** Ends the container at the time-out or when the caller's signal fires. */
function watch({ signal, timeout }: StreamRequest, { end }: Begun): () => void {
  const timer = timeout === undefined ? undefined : setTimeout(end, timeout);
  signal?.addEventListener("abort", end, { once: true });
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", end);
  };
}

function feed(child: ChildProcess, stdin: RunRequest["stdin"]): void {
  if (stdin === undefined || stdin === "pipe" || stdin === "inherit" || stdin === "ignore") return;
  // The command may end without having read it all.
  child.stdin?.on("error", () => {});
  child.stdin?.end(stdin);
}

function collect(stream: Readable | null): Promise<string> {
  if (stream === null) return Promise.resolve("");
  return new Promise((settle, reject) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => settle(Buffer.concat(chunks).toString("utf8")));
  });
}

/**
 * Runs a command in a new container and resolves when it has ended, whatever its exit code; the
 * container is removed unless `rm` is false.
 *
 * @throws WishError when the request makes no sense; ImageError; RunError when a step failed
 */
export const run = (request: RunRequest): Promise<RunResult> =>
  runPrepared(request, prepareRequest(request));

/** Runs what is planned here and now, as `run` does. */
export async function runPrepared(request: StreamRequest, prepare: Prepare): Promise<RunResult> {
  const began = Date.now();
  const begun = await begin(request, prepare);
  const { child, id, warnings } = begun;
  const stop = watch(request, begun);
  feed(child, request.stdin);
  try {
    const [stdout, stderr, outcome] = await Promise.all([
      collect(child.stdout),
      collect(child.stderr),
      begun.outcome,
    ]);
    const aborted = request.signal?.aborted === true;
    const timedOut =
      !aborted &&
      outcome.signal === 9 &&
      Date.now() - began >= (request.timeout ?? Number.POSITIVE_INFINITY);
    return { id, ...endOf(begun, outcome), stdout, stderr, timedOut, aborted, warnings };
  } finally {
    stop();
  }
}
