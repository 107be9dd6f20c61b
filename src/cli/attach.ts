/** `pivot attach`: takes part in what a container that runs reads and writes. */

import type { Roots } from "../container/roots.ts";
import { findRunning } from "../engine/find.ts";
import { encodePlan } from "../executor/encode.ts";
import { handOver } from "../executor/hand-over.ts";
import { planAttach } from "../planner/monitor.ts";
import type { Attachment } from "../planner/setting.ts";
import type { Flag, ParsedArguments } from "./arguments.ts";
import { detachKeysFlag, readAttachment, signalProxyFlag } from "./attachment.ts";
import type { Globals } from "./command.ts";
import { engineRoots, onlyWord } from "./each-container.ts";

export const attachFlags: readonly Flag[] = [
  detachKeysFlag,
  { name: "no-stdin", help: "only show what it writes" },
  signalProxyFlag,
];

/** The executor takes part in place of this process. */
export const attachTo = (
  { id }: { readonly id: string },
  { runRoot }: Roots,
  attachment: Attachment,
  { logFormat }: Globals,
): never =>
  handOver(encodePlan({ version: 1, steps: [planAttach({ runRoot, id }, attachment)] }), [
    "--log-format",
    logFormat,
    "internal-report",
  ]);

export async function attachCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const word = onlyWord(given, "pivot attach [OPTIONS] CONTAINER");
  const roots = engineRoots(globals);
  const attachment = readAttachment(given, given.flags.get("no-stdin")?.at(-1) !== "true");
  return attachTo(await findRunning(roots, word), roots, attachment, globals);
}
