/** `pivot import`. */

import { isatty } from "node:tty";
import { absolutePath } from "../container/roots.ts";
import { executorPath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { readFileInChunks } from "../image/blob-source.ts";
import { ImageError, quote } from "../image/error.ts";
import { importRoot, sourceName } from "../image/import-root.ts";
import { parseReference } from "../image/reference.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { counted } from "./human.ts";
import { importProgress, stoppable } from "./import-progress.ts";
import { interruptible, untilAborted } from "./interrupt.ts";
import { standardInput } from "./standard-input.ts";
import { storeContext } from "./store.ts";

export const importFlags: readonly Flag[] = [
  {
    name: "change",
    short: "c",
    value: "INSTRUCTION",
    help: "set what containers start with, as in a Dockerfile: 'CMD [\"sh\"]'; may be given several times",
  },
  { name: "message", short: "m", value: "TEXT", help: "what the image's history says of it" },
];

/** The normal form of the name that the image is to have. */
function readName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const reference = parseReference(text);
  if (reference.transport === "registry" && reference.digest === undefined) return reference.name;
  throw new ImageError("invalid-reference", `${quote(text)} is no REPOSITORY[:TAG]`);
}

function sourceOf(file: string, signal: AbortSignal): AsyncIterable<Buffer> {
  if (file !== "-")
    return untilAborted(readFileInChunks(absolutePath(file, process.cwd())), signal);
  if (!isatty(0)) return standardInput(signal);
  throw new UsageError("import - reads a tar, and standard input is a terminal: name a file");
}

export async function importCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [file, text, ...more] = given.words;
  if (file === undefined || more.length > 0) {
    throw new UsageError(
      `import takes FILE or -, and REPOSITORY[:TAG], received ${counted(given.words.length, "word")}`,
    );
  }
  if (/^https?:\/\//.test(file)) {
    throw new UsageError(`import takes a file: curl -L ${file} | pivot import - NAME`);
  }
  const name = readName(text);
  const { id } = await interruptible((signal) =>
    importRoot(storeContext(globals).store, sourceOf(file, signal), {
      executor: executorPath(),
      from: sourceName(file),
      comment: lastValue(given, "message") ?? `Imported from ${file}`,
      changes: given.flags.get("change") ?? [],
      name,
      now: Date.now(),
      onProgress: stoppable(signal, importProgress(globals.logFormat)),
    }),
  );
  writeAll(1, `${id}\n`);
  return 0;
}
