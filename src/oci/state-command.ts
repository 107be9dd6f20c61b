/** `state`: what clients ask most often, so it loads nothing of what changes a container. */

import type { ParsedArguments } from "../cli/arguments.ts";
import { writeAll } from "../host/write.ts";
import { onlyId } from "./flags.ts";
import type { Globals } from "./globals.ts";
import { findContainer, stateDocument } from "./record.ts";

export function stateCommand(given: ParsedArguments, { root }: Globals): number {
  const container = findContainer(root, onlyId(given, "pivot-oci state ID"));
  writeAll(1, `${JSON.stringify(stateDocument(container), null, 2)}\n`);
  return 0;
}
