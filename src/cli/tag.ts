/** `pivot tag`. */

import { tagImage } from "../image/tag.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { counted } from "./human.ts";
import { storeContext } from "./store.ts";

export async function tagCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const [source, target, ...more] = given.words;
  if (source === undefined || target === undefined || more.length > 0) {
    throw new UsageError(
      `tag takes SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG], received ${counted(given.words.length, "word")}`,
    );
  }
  await tagImage(storeContext(globals).store, source, target);
  return 0;
}
