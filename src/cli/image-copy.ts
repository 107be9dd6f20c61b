/** `pivot image copy`. */

import { absolutePath } from "../container/roots.ts";
import { executorPath } from "../executor/locate.ts";
import { writeAll } from "../host/write.ts";
import { copyImage } from "../image/copy.ts";
import { parseReference } from "../image/reference.ts";
import { type Flag, isOn, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { counted } from "./human.ts";
import { importProgress, stoppable } from "./import-progress.ts";
import { interruptible } from "./interrupt.ts";
import { quietFlag } from "./listing-flags.ts";
import { storeContext } from "./store.ts";

export const imageCopyFlags: readonly Flag[] = [
  { ...quietFlag, help: "do not print the digest of what was copied" },
];

/** The text with an absolute path, if it names a file. */
function absolute(text: string): string {
  if (!/^(oci|docker-archive):/.test(text)) return text;
  const reference = parseReference(text);
  if (reference.transport === "registry") return text;
  const { transport, file, select } = reference;
  const path = absolutePath(file, process.cwd());
  return `${transport}:${path}${select === undefined ? "" : `:${select}`}`;
}

export async function imageCopyCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [from, to, ...more] = given.words;
  if (from === undefined || to === undefined || more.length > 0) {
    throw new UsageError(
      `image copy takes SRC and DST, received ${counted(given.words.length, "word")}`,
    );
  }
  const { store } = storeContext(globals);
  const progress = importProgress(globals.logFormat);
  const digest = await interruptible((signal) =>
    copyImage(store, absolute(from), absolute(to), {
      executor: executorPath(),
      onProgress: stoppable(signal, progress),
      signal,
    }),
  );
  if (!isOn(given, "quiet")) writeAll(1, `${digest}\n`);
  return 0;
}
