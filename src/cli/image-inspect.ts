/** `pivot image inspect`. */

import { ImageError } from "../image/error.ts";
import { findImageByText } from "../image/images.ts";
import { inspectImage } from "../image/inspect-image.ts";
import { type Flag, lastValue, type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { inspectFormatFlag } from "./listing-flags.ts";
import { printDocuments } from "./output.ts";
import { report } from "./report-error.ts";
import { storeContext } from "./store.ts";

export const imageInspectFlags: readonly Flag[] = [
  { ...inspectFormatFlag, help: "json, or a Go template: '{{.Config.Cmd}}'" },
];

/** Prints what it finds, and then tells what it did not. */
export async function imageInspectCommand(
  given: ParsedArguments,
  globals: Globals,
): Promise<number> {
  if (given.words.length === 0) throw new UsageError("image inspect needs at least one IMAGE");
  const { store } = storeContext(globals);
  const documents: unknown[] = [];
  const problems: string[] = [];
  for (const word of given.words) {
    try {
      documents.push(await inspectImage(store, (await findImageByText(store, word)).image));
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      problems.push(error.message);
    }
  }
  printDocuments(documents, lastValue(given, "format"));
  for (const problem of problems) report("error", problem, globals.logFormat);
  return problems.length > 0 ? 1 : 0;
}
