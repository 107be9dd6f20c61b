/** What the flags of `run`, `start` and `attach` say of taking part in a container's streams. */

import { parseDetachKeys } from "../options/detach-keys.ts";
import type { Attachment } from "../planner/setting.ts";
import { type Flag, type ParsedArguments, UsageError } from "./arguments.ts";

export const detachKeysFlag: Flag = {
  name: "detach-keys",
  value: "KEYS",
  help: "what leaves it and lets it go on: ctrl-p,ctrl-q",
};

export const signalProxyFlag: Flag = {
  name: "sig-proxy",
  help: "pass signals on; =false: they end the attachment",
};

/** @throws UsageError */
export function readAttachment({ flags }: ParsedArguments, input: boolean): Attachment {
  const text = flags.get("detach-keys")?.at(-1) ?? null;
  const keys = parseDetachKeys(text);
  if (keys === null) {
    throw new UsageError(
      `--detach-keys takes letters and ctrl-LETTER with commas between them, as ctrl-p,ctrl-q, received ${JSON.stringify(text)}`,
    );
  }
  return { input, keys, signals: flags.get("sig-proxy")?.at(-1) !== "false" };
}
