/** `pivot completion bash|fish|zsh`. */

import { writeAll } from "../host/write.ts";
import { type ParsedArguments, UsageError } from "./arguments.ts";
import { completionScript, type Shell } from "./completion/scripts.ts";

export const completionCommand =
  (shell: Shell) =>
  ({ words }: ParsedArguments): number => {
    if (words.length > 0) {
      throw new UsageError(`completion ${shell} takes no arguments, received ${words.join(" ")}`);
    }
    writeAll(1, completionScript(shell));
    return 0;
  };
