/** The table of commands: help, parsing, dispatch and completion are all made from it. */

import type { Flag } from "./arguments.ts";
import type { Command } from "./command.ts";
import { buildCommands } from "./tables/build.ts";
import { completionCommands } from "./tables/completion.ts";
import { containerCommands } from "./tables/container.ts";
import { imageCommands } from "./tables/image.ts";
import { learnCommands } from "./tables/learn.ts";
import { networkCommands } from "./tables/network.ts";
import { registryCommands } from "./tables/registry.ts";
import { systemCommands } from "./tables/system.ts";
import { transferCommands } from "./tables/transfer.ts";
import { tryCommands } from "./tables/try.ts";
import { volumeCommands } from "./tables/volume.ts";

export const globalFlags: readonly Flag[] = [
  { name: "root", value: "DIR", help: "keep images and writable layers there" },
  { name: "runroot", value: "DIR", help: "keep the state of containers there" },
  { name: "log-format", value: "text|json", help: "how errors and warnings are written" },
  { name: "help", short: "h", help: "say what there is" },
  { name: "version", short: "v", help: "say which version this is" },
];

export const commands: readonly Command[] = [
  ...containerCommands,
  ...transferCommands,
  ...imageCommands,
  ...buildCommands,
  ...registryCommands,
  ...volumeCommands,
  ...networkCommands,
  ...tryCommands,
  ...learnCommands,
  ...systemCommands,
  ...completionCommands,
];
