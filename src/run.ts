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
import { checkRequest, checkStreams } from "./check-request.ts";
import type { PullPolicy } from "./container/find-image.ts";
import { type ContainerWish, prepareContainer, type Source } from "./container/prepare.ts";
import { defaultRoots, type Roots } from "./container/roots.ts";
import { WishError } from "./container/wish-error.ts";
import { type Execution, executePlan, type Outcome } from "./executor/spawn.ts";
import { readStreams } from "./host/streams.ts";
import type { Platform } from "./image/manifest.ts";
import { parsePlatform } from "./image/platform.ts";
import type { RunOptions } from "./options/options.ts";
import { collect, keepOutput, mostOutput } from "./output.ts";
import type { Plan } from "./plan/op.ts";
import type { StreamFact } from "./planner/facts.ts";
import { RunError, stoppedBy } from "./run-error.ts";
import { type Watch, watch } from "./watch.ts";

/** `pipe`: kept and given with the result, or read from a stream; `inherit`: the caller's own. */
export type StreamChoice = "pipe" | "inherit" | "ignore";

/** Options, the program and its streams; what is undefined is as if it were not there. */
export type RunRequest = Omit<RunOptions, "interactive" | "tty"> & {
  /** `busybox`, `debian:12`, `oci:DIR[:REF]`, `docker-archive:FILE[:REF]`. */
  readonly image?: string | undefined;
  /** A directory to use as root, in place of an image. */
  readonly rootfs?: string | undefined;
  /** A directory with a config.json, which says all but the streams. */
  readonly bundle?: string | undefined;
  /** When the image is asked of its registry; `missing` unless given. */
  readonly pull?: PullPolicy | undefined;
  /** `linux/arm64`: the only platform of the image that will do; it is pulled when another one is there. */
  readonly platform?: string | undefined;
  /** Replaces the image's command. */
  readonly command?: readonly string[] | undefined;
  /**
   * What the command reads: a text, bytes, a stream to write to (`pipe`, of `start` alone), the caller's
   * own, or nothing, which is the default. To have it read the very word `pipe`, give it as bytes.
   */
  readonly stdin?: string | Uint8Array | StreamChoice | undefined;
  /** Default: `pipe`. */
  readonly stdout?: StreamChoice | undefined;
  /** Default: `pipe`. */
  readonly stderr?: StreamChoice | undefined;
  /** Ends the container (SIGKILL) when it fires; a pull or a start under way is given up. */
  readonly signal?: AbortSignal | undefined;
  /** Ends the container (SIGKILL) after so many milliseconds, from when its image is there on. */
  readonly timeout?: number | undefined;
  /** Bytes of each stream that `run` keeps; who writes more is ended. Default: 512 MiB, the most. */
  readonly maxOutput?: number | undefined;
  /** Where images and state are kept; default: as the command line has them. */
  readonly roots?: { readonly [Name in keyof Roots]?: Roots[Name] | undefined } | undefined;
};

/** How a container ended. */
export type End = {
  /** The program's; 128 + `signal` when a signal ended it. */
  readonly exitCode: number;
  /** The number of the signal that ended it, or 0. */
  readonly signal: number;
  /** The kernel has killed a process of it for want of memory: see `memory`. */
  readonly oomKilled: boolean;
  /** It was ended by the request's `timeout`. */
  readonly timedOut: boolean;
  /** It was ended by the request's `signal`. */
  readonly aborted: boolean;
};

/** What came of a command. */
export type RunResult = End & {
  readonly id: string;
  /** What it wrote, as UTF-8; "" unless the stream is `pipe`. Bytes are had by `start`. */
  readonly stdout: string;
  readonly stderr: string;
  /** One line each: what is odd but no reason to stop. */
  readonly warnings: readonly string[];
};

/**
 * A container that runs. It ends with the process that started it, however that one ends; the end of a
 * worker thread is not the end of the process.
 */
export type RunningContainer = {
  readonly id: string;
  /** Of its first process, as the host sees it. */
  readonly pid: number;
  /** Null unless the request's `stdin` is `pipe`. What the program no longer reads is lost, in silence. */
  readonly stdin: Writable | null;
  /**
   * Null unless it is `pipe`. Until it is read, a program that writes much waits, and so does `ended`: let
   * `stdout: "ignore"` be what nobody is going to read.
   */
  readonly stdout: Readable | null;
  /** As `stdout`. */
  readonly stderr: Readable | null;
  readonly warnings: readonly string[];
  /**
   * Sends a signal to the container's first process; process 1 ignores what it does not handle. Without
   * one, SIGKILL. Nothing happens when it has ended.
   */
  readonly kill: (signal?: NodeJS.Signals) => void;
  /** Resolves when it has ended and everything of it is gone. @throws RunError when something stays */
  readonly ended: Promise<End>;
};

function sourceOf({ image, rootfs, bundle }: RunRequest): Source {
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
  /** Gives back what was taken for a plan that nobody carries out. */
  readonly release?: () => void;
  /** It did not start: for this reason, or, null, since it was given up. */
  readonly failed?: (line: string | null) => Promise<void>;
};

type Begun = Execution &
  Planned & { readonly watch: Watch; readonly onEnd: (told: () => void) => void };

/** What a request says of the program's streams and of its end. */
export type StreamRequest = Pick<
  RunRequest,
  "stdin" | "stdout" | "stderr" | "signal" | "timeout" | "maxOutput"
>;

/** Plans a program whose streams will be these. */
export type Prepare = (streams: readonly [StreamFact, StreamFact, StreamFact]) => Promise<Planned>;

/** Undefined is as if it were not there. */
export const givenRoots = (roots: RunRequest["roots"]): Partial<Roots> =>
  Object.fromEntries(Object.entries(roots ?? {}).filter(([, path]) => path !== undefined));

/** @throws WishError, ImageError */
function platformOf({ platform, image }: RunRequest): Platform | undefined {
  if (platform === undefined) return undefined;
  if (image === undefined) throw new WishError(["platform chooses an image, and there is none"]);
  return parsePlatform(platform);
}

const prepareRequest =
  (request: RunRequest): Prepare =>
  (streams) => {
    const { image, rootfs, bundle, command, stdin, stdout, stderr, signal, timeout, ...rest } =
      request;
    const { roots, pull, platform: _, maxOutput, ...options } = rest;
    const wish: ContainerWish = {
      source: sourceOf(request),
      command: command ?? [],
      options: {
        ...options,
        rm: options.rm ?? true,
        interactive: inputChoice(request) !== "ignore",
      },
      roots: { ...defaultRoots(process.geteuid?.() ?? 0, process.env), ...givenRoots(roots) },
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
      platform: platformOf(request),
    };
    return wish.options.rm === true ? prepareContainer(wish) : prepareKept(wish);
  };

async function begin(request: StreamRequest, prepare: Prepare): Promise<Begun> {
  const { stdout, stderr, signal } = request;
  signal?.throwIfAborted();
  const choices = [inputChoice(request), stdout ?? "pipe", stderr ?? "pipe"] as const;
  const planned = await prepare(streamFacts(choices));
  try {
    signal?.throwIfAborted();
    const execution = executePlan(planned.plan, [...choices]);
    // It could not be started, and has no streams: the outcome says why.
    if (execution.child.pid === undefined) await execution.outcome;
    let tell = (): void => {};
    const end = (): void => {
      execution.end();
      tell();
    };
    const onEnd = (told: () => void): void => {
      tell = told;
    };
    return { ...planned, ...execution, end, watch: watch(request, end), onEnd };
  } catch (error) {
    planned.release?.();
    await planned.failed?.(null);
    throw error;
  }
}

/** One that stays when it has ended: the engine's commands know it. */
async function prepareKept(wish: ContainerWish): Promise<Planned> {
  const { keepStarted } = await import("./engine/keep-started.ts");
  return keepStarted(wish);
}

function endOf(begun: Begun, { signal: caller, timeout }: StreamRequest, outcome: Outcome): End {
  const { id, plan } = begun;
  const { failure, exitCode, signal, oomKilled, left } = outcome;
  const cause = begun.watch.cause();
  if (failure !== null) throw stoppedBy(cause, { id, plan, failure, caller, timeout });
  const remainder = left[0];
  if (remainder !== undefined) throw new RunError(id, plan, remainder);
  if (exitCode === null) throw new Error(`the executor of container ${id} was killed`);
  const by = (why: typeof cause): boolean => cause === why && signal === 9;
  return { exitCode, signal, oomKilled, timedOut: by("timeout"), aborted: by("abort") };
}

/** How it ended; of one that did not start that is noted, before it is thrown. */
async function settle(begun: Begun, request: StreamRequest): Promise<End> {
  const outcome = await begun.outcome;
  try {
    return endOf(begun, request, outcome);
  } catch (error) {
    const isFailure = error instanceof RunError && !error.timedOut;
    if (outcome.pid === null) await begun.failed?.(isFailure ? error.message : null);
    throw error;
  }
}

/**
 * Starts a container and gives it back as soon as its program runs.
 *
 * @throws WishError when the request makes no sense; ImageError; RunError when a step failed; the
 *   signal's reason when it fires before the program runs
 */
export async function start(request: RunRequest): Promise<RunningContainer> {
  checkRequest(request);
  const begun = await begin(request, prepareRequest(request));
  const { child, id, warnings } = begun;
  const ended = settle(begun, request);
  // Whoever does not wait for the end is not to be killed by its failure.
  ended.finally(begun.watch.stop).catch(() => {});
  const [stdout, stderr] = [keepOutput(child.stdout), keepOutput(child.stderr)];
  // What a killed program has left in its pipes is little, and is not to hold its end up.
  begun.onEnd(() => {
    stdout.flush();
    stderr.flush();
  });
  feed(child, request.stdin);
  const pid = await begun.started;
  if (pid === null) {
    await ended;
    throw new Error(`container ${id} did not start`);
  }
  const kill = (name: NodeJS.Signals = "SIGKILL"): void => {
    if (name === "SIGKILL") begun.end();
    else begun.signal(name);
  };
  const stdin = request.stdin === "pipe" ? child.stdin : null;
  const [out, err] = [stdout.stream, stderr.stream];
  return { id, pid, stdin, stdout: out, stderr: err, warnings, kill, ended };
}

/** What is to be read, and what comes of a program that does not read it: nothing. */
function feed({ stdin: to }: ChildProcess, stdin: RunRequest["stdin"]): void {
  if (to === null) return;
  // A program may close its standard input, or end without having read it all: that is its right.
  to.on("error", () => {});
  if (stdin !== "pipe") to.end(stdin);
}

/**
 * Runs a command in a new container and resolves when it has ended, whatever its exit code; the
 * container is removed unless `rm` is false.
 *
 * @throws WishError when the request makes no sense; ImageError; RunError when a step failed; OutputError
 *   when it wrote too much; the signal's reason when it fires before the program runs
 */
export async function run(request: RunRequest): Promise<RunResult> {
  checkRequest(request);
  return runPrepared(request, prepareRequest(request));
}

/** Runs what is planned here and now, as `run` does. */
export async function runPrepared(request: StreamRequest, prepare: Prepare): Promise<RunResult> {
  checkStreams(request);
  if (request.stdin === "pipe") {
    throw new WishError(['stdin: nobody could write to a "pipe" of run; start gives its stream']);
  }
  const limit = Math.min(request.maxOutput ?? mostOutput, mostOutput);
  const begun = await begin(request, prepare);
  const { child, id, warnings } = begun;
  try {
    feed(child, request.stdin);
    const [stdout, stderr, end] = await Promise.all([
      collect(child.stdout, "stdout", limit),
      collect(child.stderr, "stderr", limit),
      settle(begun, request),
    ]);
    return { id, ...end, stdout, stderr, warnings };
  } catch (error) {
    begun.end();
    await begun.outcome.catch(() => {});
    throw error;
  } finally {
    begun.watch.stop();
  }
}
