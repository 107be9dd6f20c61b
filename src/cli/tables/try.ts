/** A copy-on-write view of this machine. */

import type { Command } from "../command.ts";

export const tryCommands: readonly Command[] = [];
