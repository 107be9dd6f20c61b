/** The flags of `explain`: all of `run`, and what is told how. */

import type { Flag } from "./arguments.ts";
import { runFlags } from "./run-flags.ts";

/** Those that `run` does not have. */
export const ownExplainFlags: readonly Flag[] = [
  { name: "brief", help: "only what is done, and the same as commands" },
  {
    name: "format",
    value: "text|markdown|json|sh|mermaid",
    help: "how it is told; sh: a script that makes the container by hand",
  },
  {
    name: "only",
    value: "NAME",
    help: "steps of one operation: mount; may be given several times",
  },
  {
    name: "step",
    value: "N",
    help: "one step: its number in the plan; may be given several times",
  },
];

export const explainFlags: readonly Flag[] = [...runFlags, ...ownExplainFlags];
