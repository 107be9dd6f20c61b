// A container's cgroup, planned: limits and device rules in, steps out, for every layout of cgroups.
//
// This folder reads nothing: what it has to know of the machine comes in as facts.

export type { IoWeightFile } from "./block-io.ts";
export { parseCgroupLayout, type ReadFile } from "./layout.ts";
export { locateV1, locateV2 } from "./name.ts";
export {
  type CgroupPlan,
  type CgroupRequest,
  type CpusetParent,
  planCgroup,
  type ScopeAsk,
} from "./plan.ts";
export type { PresentLimits } from "./present.ts";
