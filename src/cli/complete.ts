/**
 * `pivot internal-complete WORD...`: what the completion scripts ask. One proposal a line, with a
 * tab before what it is about; the last line begins with `:` and says what the shell is to do:
 *
 *     :none | :files | :directories      and after a blank, `more`: no blank behind the word
 */

import { writeAll } from "../host/write.ts";
import type { Globals } from "./command.ts";
import { commands, globalFlags } from "./commands.ts";
import { propose } from "./completion/propose.ts";
import { readSources } from "./completion/sources.ts";

/** Each on its line, with nothing in it that would steer the terminal. */
const line = (text: string): string => text.replaceAll(/[\p{Cc}\p{Bidi_Control}]/gu, " ");

export async function completeCommand(words: readonly string[], globals: Globals): Promise<number> {
  const { proposals, paths, goesOn } = await propose(words, {
    commands,
    globalFlags,
    sources: readSources(globals),
  });
  const lines = proposals.map(({ word, about }) => `${line(word)}\t${line(about)}\n`);
  writeAll(1, `${lines.join("")}:${paths}${goesOn ? " more" : ""}\n`);
  return 0;
}
