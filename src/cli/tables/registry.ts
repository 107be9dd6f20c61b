/** Registries: images from and to elsewhere. */

import type { Command } from "../command.ts";

export const registryCommands: readonly Command[] = [];
