/** `pivot load`. */

import { absolutePath } from "../container/roots.ts";
import { executorPath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { ImageError } from "../image/error.ts";
import { familiarName } from "../image/familiar.ts";
import { type ImportedImage, loadDockerArchive } from "../image/import.ts";
import type { Store } from "../image/store.ts";
import { type Flag, isOn, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { importProgress, stoppable } from "./import-progress.ts";
import { interruptible } from "./interrupt.ts";
import { quietFlag } from "./listing-flags.ts";
import { withStandardInput } from "./standard-input.ts";
import { storeContext } from "./store.ts";

export const loadFlags: readonly Flag[] = [
  { name: "input", short: "i", value: "FILE", help: "read it instead of standard input" },
  { ...quietFlag, help: "do not show how far it is" },
];

function tell({ references, id }: ImportedImage): void {
  const lines =
    references.length === 0
      ? [`Loaded image ID: ${id}`]
      : references.map((name) => `Loaded image: ${familiarName(name)}`);
  writeAll(1, lines.map((line) => `${line}\n`).join(""));
}

export async function loadCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  if (given.words.length > 0) {
    throw new UsageError(`load takes no arguments: name the archive by -i ${given.words[0]}`);
  }
  const { store } = storeContext(globals);
  const progress = isOn(given, "quiet") ? undefined : importProgress(globals.logFormat);
  return interruptible(async (signal) => {
    const options = { executor: executorPath(), onProgress: stoppable(signal, progress) };
    const load = (path: string) => loadDockerArchive(store, path, options, tell);
    const input = lastValue(given, "input");
    if (input !== null) await load(absolutePath(input, process.cwd()));
    else await loadStandardInput(store, load, signal);
    return 0;
  });
}

/** A message names standard input, and not the file that it was put into. */
function loadStandardInput(
  store: Store,
  load: (path: string) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  return withStandardInput(store, "load", "give -i FILE", signal, async (path) => {
    try {
      await load(path);
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      const message = error.message.replaceAll(JSON.stringify(path), "standard input");
      throw new ImageError(error.code, message, { cause: error });
    }
  });
}
