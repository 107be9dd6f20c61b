// The deliberate breaks: each takes one guard away.

import { ofExecutor } from "./list/executor.ts";
import { ofFaults } from "./list/faults.ts";
import { ofImages } from "./list/images.ts";
import { ofLoad } from "./list/load.ts";
import { ofPlanner } from "./list/planner.ts";
import { ofRegistries } from "./list/registry.ts";
import type { Mutation } from "./mutation.ts";

export const mutations: readonly Mutation[] = [
  ...ofPlanner,
  ...ofExecutor,
  ...ofImages,
  ...ofFaults,
  ...ofRegistries,
  ...ofLoad,
];
