/** `pivot diff`, `pivot export` and `pivot commit`. */

import { isatty } from "node:tty";
import { absolutePath } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { findContainer } from "../engine/find.ts";
import { writeAll } from "../host/write.ts";
import { listChanges } from "../transfer/changes.ts";
import { commitContainer } from "../transfer/commit.ts";
import { exportContainer } from "../transfer/export.ts";
import { describeTrouble, type Report } from "../transfer/report.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";
import { whileItIsThere } from "./changed-meanwhile.ts";
import type { Globals } from "./command.ts";
import { engineRoots, onlyWord } from "./each-container.ts";
import { writeOutput } from "./output-file.ts";
import { report } from "./report-error.ts";

const last = ({ flags }: ParsedArguments, name: string): string | undefined =>
  flags.get(name)?.at(-1);

function tellSkips({ skips, skipped }: Report, subject: string, globals: Globals): void {
  for (const skip of skips) {
    report("warning", `left out: ${describeTrouble(skip, subject)}`, globals.logFormat);
  }
  if (skipped > skips.length) {
    report("warning", `left out: ${skipped - skips.length} more`, globals.logFormat);
  }
}

/** Names are a container's: a terminal obeys what it is shown, a pipe gets them as they are. */
const shown = (path: string): Buffer =>
  Buffer.from(isatty(1) ? path.replace(/\p{Cc}/gu, "?") : path, "latin1");

export async function diffCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const word = onlyWord(given, "pivot diff CONTAINER");
  const roots = engineRoots(globals);
  const container = await findContainer(roots, word);
  const changes = await whileItIsThere(container, roots, () => listChanges(container));
  const lines = changes.flatMap(({ kind, path }) => [
    Buffer.from(`${kind} `),
    shown(path),
    Buffer.from("\n"),
  ]);
  writeAll(1, Buffer.concat(lines));
  return 0;
}

export const exportFlags: readonly Flag[] = [
  {
    name: "output",
    short: "o",
    value: "FILE",
    help: "write to a file in place of standard output",
  },
];

export async function exportCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const word = onlyWord(given, "pivot export [OPTIONS] CONTAINER");
  const output = last(given, "output");
  if (output === undefined && isatty(1)) {
    throw new WishError([
      "refusing to write an archive to the terminal: use -o FILE, or redirect it",
    ]);
  }
  const roots = engineRoots(globals);
  const container = await findContainer(roots, word);
  const subject = `container ${container.name}`;
  const exportTo = (fd: number): Promise<Report> =>
    whileItIsThere(container, roots, () => exportContainer(container, fd));
  if (output === undefined) {
    tellSkips(await exportTo(1), subject, globals);
    return 0;
  }
  const path = absolutePath(output, process.cwd());
  tellSkips(await writeOutput(path, exportTo), subject, globals);
  return 0;
}

export const commitFlags: readonly Flag[] = [
  { name: "author", short: "a", value: "TEXT", help: "who made it" },
  {
    name: "change",
    short: "c",
    value: "INSTRUCTION",
    help: "apply a Dockerfile instruction, such as 'ENV A=1'; may be given several times",
  },
  { name: "message", short: "m", value: "TEXT", help: "what it is, for the image's history" },
  {
    name: "pause",
    short: "p",
    help: "pause the container meanwhile; on unless --pause=false",
  },
];

export async function commitCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [word, reference] = given.words;
  if (word === undefined || given.words.length > 2) {
    throw new UsageError("usage: pivot commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]");
  }
  const roots = engineRoots(globals);
  const container = await findContainer(roots, word);
  const wish = {
    author: last(given, "author") ?? "",
    message: last(given, "message") ?? "",
    changes: given.flags.get("change") ?? [],
    reference: reference ?? null,
    pause: last(given, "pause") !== "false",
  };
  const committed = await whileItIsThere(container, roots, () => commitContainer(container, wish));
  tellSkips(committed.report, `container ${container.name}`, globals);
  writeAll(1, `${committed.id}\n`);
  return 0;
}
