/** `pivot cp`. */

import { isatty } from "node:tty";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import type { Container } from "../engine/status.ts";
import { kernelFacts } from "../host/facts.ts";
import { writeAll } from "../host/write.ts";
import { decompress } from "../image/decompress.ts";
import { planPack, planUnpack } from "../planner/transfer.ts";
import {
  type Copied,
  copyArchive,
  copyFiles,
  type Destination,
  type Feed,
  type Owners,
} from "../transfer/copy.ts";
import { archiveName, cleanPath, parseSide, type Side } from "../transfer/copy-rules.ts";
import { fileRootOf } from "../transfer/file-root.ts";
import { describeTrouble } from "../transfer/report.ts";
import { startPacker } from "../transfer/worker.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import { whileItIsThere } from "./changed-meanwhile.ts";
import type { Globals } from "./command.ts";
import { humanSize } from "./human.ts";
import { report } from "./report-error.ts";
import { readRoots } from "./roots.ts";

export const copyFlags: readonly Flag[] = [
  {
    name: "archive",
    short: "a",
    help: "keep owners, set-user-ID, capabilities and devices as they are at the source",
  },
  { name: "follow-link", short: "L", help: "copy what a symbolic link in SRC_PATH leads to" },
  {
    name: "quiet",
    short: "q",
    help: "no progress and no summary; so it is unless standard output is a terminal",
  },
];

type InContainer = Extract<Side, { kind: "container" }>;

/** What is copied where, checked: just one of the two is in a container. */
type Wish =
  | { readonly kind: "out"; readonly from: InContainer; readonly to: string | null }
  | { readonly kind: "in"; readonly from: string | null; readonly to: InContainer };

function readWish({ words }: ParsedArguments): Wish {
  const [source, destination] = words;
  if (source === undefined || destination === undefined || words.length > 2) {
    throw new UsageError("cp needs a source and a destination, one of them CONTAINER:PATH");
  }
  if (source === "" || destination === "") throw new UsageError("cp: a path is empty");
  const [from, to] = [parseSide(source), parseSide(destination)];
  if (from.kind === "container" && to.kind === "container") {
    throw new UsageError(
      "copying between containers is not there: copy to this machine first, or `pivot cp A:PATH - | pivot cp - B:PATH`",
    );
  }
  if (from.kind === "container") {
    return { kind: "out", from, to: to.kind === "local" ? to.path : null };
  }
  if (to.kind === "container") {
    return { kind: "in", from: from.kind === "local" ? from.path : null, to };
  }
  throw new UsageError("cp: one of the two paths must be in a container: CONTAINER:PATH");
}

const host = { kind: "host" } as const;

/** The launcher says when the caller's is gone. */
const workingDirectory = (): string =>
  process.env["PIVOT_NO_CWD"] === undefined ? process.cwd() : "/";

/** A path of this machine, its end as it was given: a slash or `/.` there means something. */
const localPath = (path: string): string => cleanPath(absolutePath(path, workingDirectory()));

/** "Copying from container - 1.5MB", over and over on one line, on a terminal. */
class Progress {
  #shown = 0;
  readonly #isOn: boolean;
  readonly #words: string;

  constructor(words: string, isWanted: boolean) {
    this.#words = words;
    this.#isOn = isWanted && isatty(2);
  }

  update(bytes: number): void {
    const now = Date.now();
    if (!this.#isOn || now - this.#shown < 200) return;
    if (this.#shown > 0) writeAll(2, `\r\u001b[K${this.#words} - ${humanSize(bytes, 3)}`);
    this.#shown = now;
  }

  clear(): void {
    if (this.#isOn && this.#shown > 0) writeAll(2, "\r\u001b[K");
  }
}

const terminalText = (text: string): string => text.replace(/\p{Cc}/gu, "?");

function tell(copied: Copied, subject: string, to: string | null, globals: Globals): void {
  for (const skip of copied.skips) {
    report("warning", `left out: ${describeTrouble(skip, subject)}`, globals.logFormat);
  }
  const more = copied.skipped - copied.skips.length;
  if (more > 0) report("warning", `left out: ${more} more`, globals.logFormat);
  if (to === null) return;
  writeAll(2, `Successfully copied ${humanSize(copied.bytes, 3)} to ${terminalText(to)}\n`);
}

async function copyOut(
  container: Container,
  { from, to }: Extract<Wish, { kind: "out" }>,
  given: ParsedArguments,
  globals: Globals,
  isQuiet: boolean,
): Promise<void> {
  const facts = kernelFacts();
  const path = cleanPath(from.path);
  const name = archiveName(path);
  const followLink = isOn(given, "follow-link");
  const plan = planPack(fileRootOf(container, false), { path, name, followLink }, facts);
  const subject = `${from.word}:${from.path}`;
  if (to === null) {
    if (isatty(1)) {
      throw new WishError([
        "refusing to write an archive to the terminal: redirect it, or name a file",
      ]);
    }
    const packed = await startPacker(plan, subject, 1).done;
    tell({ ...packed, bytes: 0 }, subject, null, globals);
    return;
  }
  const local = localPath(to);
  const owners: Owners = isOn(given, "archive")
    ? { kind: "kept" }
    : {
        kind: "given",
        uid: process.geteuid?.() ?? 0,
        gid: process.getegid?.() ?? 0,
        trusts: false,
      };
  const progress = new Progress("Copying from container", !isQuiet);
  const destination: Destination = {
    plan: planUnpack(host, { path: local, followLinks: false }, facts),
    path: local,
    subject: to,
  };
  const onBytes = (bytes: number) => progress.update(bytes);
  const source = { plan, name, subject };
  const copied = await copyFiles(source, destination, { owners, onBytes }).finally(() =>
    progress.clear(),
  );
  tell(copied, subject, isQuiet ? null : local, globals);
}

/** Somebody who fills a container's disk by an archive of his own could do so without. */
const anySize = {
  expandedBytes: Number.POSITIVE_INFINITY,
  ratio: Number.POSITIVE_INFINITY,
  ratioFreeBytes: Number.POSITIVE_INFINITY,
};

/** Standard input, decompressed when it is compressed: by us, and by no program of anybody's. */
const feedInput: Feed = async (push) => {
  await decompress(process.stdin, anySize, push);
};

async function copyIn(
  container: Container,
  { from, to }: Extract<Wish, { kind: "in" }>,
  given: ParsedArguments,
  globals: Globals,
  isQuiet: boolean,
): Promise<void> {
  const facts = kernelFacts();
  const path = cleanPath(to.path);
  const root = fileRootOf(container, true);
  const subject = `${to.word}:${to.path}`;
  const progress = new Progress("Copying to container", !isQuiet);
  const onBytes = (bytes: number) => progress.update(bytes);
  const followLinks = from === null;
  const destination: Destination = {
    plan: planUnpack(root, { path, followLinks }, facts),
    path,
    subject,
  };
  const told = isQuiet ? null : subject;
  if (from === null) {
    const copied = await copyArchive(feedInput, destination, {
      owners: { kind: "kept" },
      onBytes,
    }).finally(() => progress.clear());
    tell(copied, "the archive", told, globals);
    return;
  }
  const owners: Owners = isOn(given, "archive")
    ? { kind: "kept" }
    : { kind: "given", uid: 0, gid: 0, trusts: true };
  const local = localPath(from);
  const name = archiveName(local);
  const followLink = isOn(given, "follow-link");
  const source = {
    plan: planPack(host, { path: local, name, followLink }, facts),
    name,
    subject: from,
  };
  const copied = await copyFiles(source, destination, { owners, onBytes }).finally(() =>
    progress.clear(),
  );
  tell(copied, from, told, globals);
}

export async function copyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const wish = readWish(given);
  const roots = readRoots(globals, workingDirectory());
  const isQuiet = given.flags.has("quiet") ? isOn(given, "quiet") : !isatty(1);
  const { word } = wish.kind === "out" ? wish.from : wish.to;
  const container = await findContainer(roots, word);
  await whileItIsThere(container, roots, () =>
    wish.kind === "out"
      ? copyOut(container, wish, given, globals, isQuiet)
      : copyIn(container, wish, given, globals, isQuiet),
  );
  return 0;
}
