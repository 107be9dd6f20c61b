/** Volumes: directories that outlive containers. */

import type { Command } from "../command.ts";

export const volumeCommands: readonly Command[] = [];
