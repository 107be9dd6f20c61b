/**
 * Runs the unpacker: starts it on a directory, feeds it records, and turns what
 * it reports into one clear line.
 */
import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:os";
import type { Readable, Writable } from "node:stream";
import { readUserNamespace } from "../host/user-namespace.ts";
import { codeOf, ImageError, quote } from "./error.ts";
import { unpackMagic } from "./unpack-record.ts";

/** Which program unpacks, and on whose behalf. */
export interface UnpackerOptions {
  /** Path of the executor. */
  readonly executor: string;
  /** What it is started with before the unpacker's own arguments; `["unpack"]` unless given. */
  readonly executorArguments?: readonly string[];
  /**
   * Write user.overlay.* attributes, note owners that there are not, and leave device nodes out;
   * absent: as it has to be in the user namespace that we are in.
   */
  readonly rootless?: boolean;
  /** Leave all files to the user who unpacks: for use without mapped IDs. */
  readonly ignoreOwner?: boolean;
  /** Flush each layer to the disk before it counts as unpacked. */
  readonly sync?: boolean;
}

export interface UnpackReport {
  /** Records applied. */
  readonly entries: number;
  /** What could not be applied and does no harm, one line each; the first few of `skipped`. */
  readonly notes: readonly string[];
  readonly skipped: number;
}

/** An unpacker at work. After an error only abort is left to do. */
export interface Unpacker {
  /** Sends bytes, and waits while the program has enough to do. */
  write(bytes: Uint8Array): Promise<void>;
  /** Ends the stream and waits until all is applied. */
  finish(): Promise<UnpackReport>;
  /** Stops the program and waits until it is gone. */
  abort(): Promise<void>;
}

const outputBytesMax = 256 * 1024;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

interface Outcome {
  readonly output: string;
  readonly complaint: string;
  readonly status: string;
}

function errnoName(errno: number): string {
  const found = Object.entries(constants.errno).find(([, number]) => number === errno);
  return found?.[0] ?? `errno ${errno}`;
}

/** `fail INDEX ERRNO WORDS: PATH` as people read it. */
function describe(line: string): string | undefined {
  const parts = /^(?:fail|skip) \d+ (\d+) ([^:]*): (.*)$/.exec(line);
  if (parts === null) return undefined;
  const [, errno = "", words = "", path = ""] = parts;
  const name = errnoName(Number(errno));
  const hint =
    name === "EINVAL" && words.includes("owner")
      ? "; the ID is not mapped in this user namespace"
      : name === "EPERM" && words.includes("whiteout")
        ? "; this file system takes no whiteouts: use a --root on another, such as a volume"
        : name === "ENOSPC"
          ? "; the disk or its inodes are full"
          : "";
  return `entry ${quote(path)}: ${words} (${name}${hint})`;
}

async function text(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < outputBytesMax) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString("utf8");
}

async function outcomeOf(child: Child, program: string): Promise<Outcome> {
  const failed = new Promise<never>((_, reject) => {
    child.once("error", (cause) => {
      const why = codeOf(cause) ?? cause.message;
      reject(new ImageError("unpack-failed", `cannot start ${quote(program)}: ${why}`, { cause }));
    });
  });
  const ended = Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  const [output, complaint, [code, signal]] = await Promise.race([ended, failed]);
  return {
    output,
    complaint,
    status: signal ? `was ended by ${signal}` : `ended with status ${code}`,
  };
}

function report(outcome: Outcome): UnpackReport {
  const lines = outcome.output.split("\n").filter((line) => line !== "");
  const last = lines.at(-1) ?? "";
  const ok = /^ok (\d+) (\d+)$/.exec(last);
  if (ok === null) {
    const why =
      describe(last) ?? `the unpacker ${outcome.status} ${quote(outcome.complaint.trim())}`;
    throw new ImageError("unpack-failed", why);
  }
  const notes = lines.slice(0, -1).flatMap((line) => describe(line) ?? []);
  return { entries: Number(ok[1]), skipped: Number(ok[2]), notes };
}

function start(options: UnpackerOptions, args: readonly string[]): Child {
  const before = options.executorArguments ?? ["unpack"];
  return spawn(options.executor, [...before, ...args], {
    // Called by this name the program is the executor; by any other, the launcher.
    argv0: "pivot-executor",
    stdio: ["pipe", "pipe", "pipe"],
    // It needs nothing of ours, and a loader should find nothing to obey.
    env: {},
    cwd: "/",
  });
}

/**
 * Starts unpacking into an empty directory.
 *
 * @param lower the layers below, lowest first, as the image has them
 */
export function startUnpacker(
  options: UnpackerOptions,
  directory: string,
  lower: readonly string[],
): Unpacker {
  const child = start(options, [
    ...((options.rootless ?? readUserNamespace() !== null) ? ["--rootless"] : []),
    ...(options.ignoreOwner ? ["--ignore-owner"] : []),
    ...(options.sync ? ["--sync"] : []),
    ...lower.toReversed().flatMap((path) => ["--lower", path]),
    directory,
  ]);
  const outcome = outcomeOf(child, options.executor);
  let isGone = false;
  let wake: (() => void) | undefined;
  const end = () => {
    isGone = true;
    wake?.();
  };
  const gone = outcome.then(end, end);
  // A program that stops early closes its end; why it did is in its report.
  child.stdin.on("error", () => undefined);
  child.stdin.on("drain", () => wake?.());
  child.stdin.on("close", () => wake?.());
  child.stdin.write(unpackMagic, "latin1");
  const stopEarly = async (): Promise<never> => {
    report(await outcome);
    throw new ImageError("unpack-failed", "the unpacker stopped before the layer's end");
  };
  return {
    async write(bytes) {
      if (isGone || child.stdin.destroyed) return stopEarly();
      if (child.stdin.write(bytes)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (isGone || child.stdin.destroyed) return stopEarly();
    },
    async finish() {
      child.stdin.end();
      return report(await outcome);
    },
    async abort() {
      if (!isGone) child.kill("SIGKILL");
      await gone;
    },
  };
}

/**
 * Removes directory trees without following symbolic links. What is gone already
 * is no error.
 */
export async function removeTrees(
  options: UnpackerOptions,
  paths: readonly string[],
): Promise<void> {
  if (paths.length === 0) return;
  const child = start(options, ["--remove", ...paths]);
  child.stdin.on("error", () => undefined);
  child.stdin.end();
  report(await outcomeOf(child, options.executor));
}
