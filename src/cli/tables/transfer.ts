/** What is in a container's root, in and out of it. */

import type { Command } from "../command.ts";

export const transferCommands: readonly Command[] = [];
