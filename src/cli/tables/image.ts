/** Images in the store. */

import type { Command } from "../command.ts";

export const imageCommands: readonly Command[] = [];
