/** A packer or an unpacker at work: a plan whose last step becomes it. */

import type { StdioOptions } from "node:child_process";
import { PassThrough, type Readable, type Writable } from "node:stream";
import { describeFailure } from "../executor/failure.ts";
import { executePlan, type Outcome } from "../executor/spawn.ts";
import type { Plan } from "../plan/op.ts";
import {
  cutShort,
  describeTrouble,
  parseReport,
  type Report,
  TransferError,
  unescapeBytes,
} from "./report.ts";

const EAGAIN = 11;
const textBytesMax = 256 * 1024;
const archiveBytesAhead = 1024 * 1024;

/** Gathers a stream as text with one character for each byte, up to a limit. */
async function textOf(stream: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    if (length < textBytesMax) chunks.push(chunk);
    length += chunk.length;
  }
  return Buffer.concat(chunks).toString("latin1");
}

function reportOf(plan: Plan, outcome: Outcome, text: string, subject: string): Report {
  const { failure } = outcome;
  if (failure !== null) {
    const isBusy = failure.errno === EAGAIN && plan.steps[failure.step]?.op.op === "lock";
    throw new TransferError(
      isBusy
        ? `${subject}: another command copies into this container: try again when it is done`
        : describeFailure(plan, failure),
    );
  }
  const report = parseReport(text);
  if (report !== undefined && "entries" in report) return report;
  if (report !== undefined) throw new TransferError(describeTrouble(report, subject), report);
  const how =
    outcome.signal !== 0 ? `was ended by signal ${outcome.signal}` : "ended before it was done";
  throw new TransferError(`${subject}: the copying process ${how}`);
}

export type Packer = {
  /** The archive; null when it goes elsewhere. */
  readonly stdout: Readable | null;
  /** Rejects with a TransferError when it fails. */
  readonly done: Promise<Report>;
  /** Ends it, and waits for that. */
  readonly abort: () => Promise<void>;
};

/** So that who waits for something else first is not taken for somebody who forgot. */
function kept<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => undefined);
  return promise;
}

/**
 * @param subject what is packed, for messages
 * @param to a descriptor that the archive goes to, or `pipe`
 */
export function startPacker(plan: Plan, subject: string, to: "pipe" | number): Packer {
  const stdio: StdioOptions = ["ignore", to, "pipe"];
  const { child, outcome } = executePlan(plan, stdio);
  const told = textOf(child.stderr as Readable);
  // Read from the start: what a child has written is lost when it ends before somebody reads.
  const archive = child.stdout?.pipe(new PassThrough({ highWaterMark: archiveBytesAhead })) ?? null;
  const done = kept(
    Promise.all([outcome, told]).then(([ended, text]) => reportOf(plan, ended, text, subject)),
  );
  return {
    stdout: archive,
    done,
    abort: async () => {
      child.kill("SIGTERM"); // its executor passes it on, or gives up
      child.stdout?.destroy();
      archive?.destroy();
      await done.catch(() => undefined);
    },
  };
}

/** What the path is that is copied to; a file's or a missing one's name has a character per byte. */
export type Place =
  | { readonly kind: "dir" }
  | { readonly kind: "file" | "none"; readonly name: string };

export type Unpacker = {
  /** Rejects with a TransferError when there is no such place. */
  readonly place: Promise<Place>;
  /** Sends bytes, and waits while there are enough under way. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly finish: () => Promise<Report>;
  readonly abort: () => Promise<void>;
};

/** Calls back with the first line, and gathers all. */
async function lines(stream: Readable, first: (line: string) => void): Promise<string> {
  let text = "";
  let isFirst = true;
  for await (const chunk of stream) {
    if (text.length < textBytesMax) text += (chunk as Buffer).toString("latin1");
    const end = text.indexOf("\n");
    if (isFirst && end >= 0) {
      isFirst = false;
      first(text.slice(0, end));
    }
  }
  return text;
}

const atLine = /^at 0 0 (dir|file|none): (.*)$/;

/** @param subject what is copied to, for messages */
export function startUnpacker(plan: Plan, subject: string): Unpacker {
  const { child, outcome } = executePlan(plan, ["pipe", "pipe", "inherit"]);
  const stdin = child.stdin as Writable;
  // One that stops early closes its end; why it did is in its report.
  stdin.on("error", () => undefined);
  let isGone = false;
  let wake: (() => void) | undefined;
  let found: (place: Place) => void = () => undefined;
  const told = lines(child.stdout as Readable, (line) => {
    const [, kind, name = ""] = atLine.exec(line) ?? [];
    if (kind === "dir") found({ kind });
    if (kind === "file" || kind === "none") {
      found({ kind, name: unescapeBytes(name) });
    }
  });
  const done = kept(
    Promise.all([outcome, told]).then(([ended, text]) => reportOf(plan, ended, text, subject)),
  );
  const gone = () => {
    isGone = true;
    wake?.();
  };
  done.then(gone, gone);
  stdin.on("drain", () => wake?.());
  stdin.on("close", () => wake?.());
  const place = kept(
    new Promise<Place>((resolve, reject) => {
      found = resolve;
      done.then(() => reject(new TransferError(`${subject}: nothing was told of it`)), reject);
    }),
  );
  const stopped = async (): Promise<never> => {
    await done;
    throw new TransferError(`${subject}: the copying process stopped before the end`);
  };
  return {
    place,
    async write(bytes) {
      if (isGone || stdin.destroyed) return stopped();
      if (stdin.write(bytes)) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
      if (isGone || stdin.destroyed) return stopped();
    },
    finish() {
      stdin.end();
      return done;
    },
    async abort() {
      child.kill("SIGTERM"); // its executor passes it on, or gives up
      stdin.destroy();
      await done.catch(() => undefined);
    },
  };
}

/**
 * Lets a packer or the like work whose output is small, and gathers that.
 *
 * @returns its output with one character for each byte
 */
export async function gatherOutput(plan: Plan, subject: string): Promise<string> {
  const packer = startPacker(plan, subject, "pipe");
  const chunks: Buffer[] = [];
  for await (const chunk of packer.stdout ?? []) chunks.push(chunk as Buffer);
  const { bytes } = await packer.done;
  if (chunks.reduce((sum, chunk) => sum + chunk.length, 0) !== bytes) throw cutShort(subject);
  return Buffer.concat(chunks).toString("latin1");
}
