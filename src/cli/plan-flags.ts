/** The flags of `plan`: all of `run`, and how the plan is shown. */

import type { Flag } from "./arguments.ts";
import { runFlags } from "./run-flags.ts";

export const planFlags: readonly Flag[] = [
  ...runFlags,
  { name: "format", value: "table|json", help: "how the plan is shown" },
];
