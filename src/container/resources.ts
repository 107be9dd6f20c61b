/** The cgroup of a container, planned from its configuration and from what is there. */

import { type CgroupPlan, planCgroup } from "../cgroup/mod.ts";
import { readCgroupFacts } from "../host/cgroups.ts";
import type { Facts } from "../planner/facts.ts";
import type { Spec } from "../spec/mod.ts";
import { WishError } from "./wish-error.ts";

const pathText = (path: string | readonly (string | number)[]): string =>
  typeof path === "string" ? path : path.join(".");

/**
 * @param joinAll every hierarchy, for limits that come later and tools that look there
 * @throws WishError with everything that stands against it
 */
export function planResources(spec: Spec, id: string, facts: Facts, joinAll = false): CgroupPlan {
  const resources = spec.linux?.resources;
  const name = spec.linux?.cgroupsPath ?? `/pivot-${id}`;
  const planned = planCgroup(
    {
      name,
      resources,
      kernel: facts.kernel,
      rootless: facts.uid !== 0 || facts.userNamespace !== undefined,
      joinAll,
      ...readCgroupFacts({ name, resources, joinAll }, facts.cgroups),
    },
    facts.cgroups,
  );
  if (!Array.isArray(planned)) return planned as CgroupPlan;
  throw new WishError(
    planned.map(
      ({ path, expected, received }) =>
        `${pathText(path)}: expected ${expected}, received ${received}`,
    ),
  );
}
