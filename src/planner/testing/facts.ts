/** A machine for the planner's tests: Linux 6.12 without cgroups or security modules. */

import type { Facts } from "../facts.ts";

export const plainFacts: Facts = {
  uid: 0,
  gid: 0,
  kernel: [6, 12],
  arch: "x86_64",
  capabilities: ["CAP_KILL", "CAP_CHOWN"],
  cgroups: { mode: "none", v1: [], v2: null },
  streams: ["null", "null", "null"],
};
