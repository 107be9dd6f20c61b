/** The cgroup of a container, planned from its configuration and from what is there. */

import { type CgroupPlan, planCgroup, type ScopeAsk } from "../cgroup/mod.ts";
import { readCgroupFacts } from "../host/cgroups.ts";
import type { Facts } from "../planner/facts.ts";
import type { Spec } from "../spec/mod.ts";
import { delegated } from "./delegated.ts";
import { WishError } from "./wish-error.ts";

const pathText = (path: string | readonly (string | number)[]): string =>
  typeof path === "string" ? path : path.join(".");

/** The scope that systemd makes for it. */
export type ScopeOfContainer = {
  /** The container's cgroup, from the mounts. */
  readonly path: string;
  readonly ask: ScopeAsk;
  /** The cgroup of the manager whose scope it is, from the mounts. */
  readonly manager: string;
  /** It is in a user's own part of the cgroups. */
  readonly user: boolean;
};

/**
 * @param joinAll every hierarchy, for limits that come later and tools that look there
 * @throws WishError with everything that stands against it
 */
export function planResources(
  spec: Spec,
  id: string,
  facts: Facts,
  joinAll = false,
  scope?: ScopeOfContainer,
): CgroupPlan {
  const isDelegate = facts.userNamespace !== undefined;
  const own = isDelegate ? `pivot-${id}` : `/pivot-${id}`;
  const name = scope?.path ?? spec.linux?.cgroupsPath ?? own;
  const { layout, resources, warnings } = isDelegate
    ? // Engines send rules for devices with each container; without root nobody can make a node anyway.
      delegated(
        facts.cgroups,
        name,
        spec.linux?.resources,
        (kind) => !joinAll || kind !== "devices",
        scope?.manager,
      )
    : { layout: facts.cgroups, resources: spec.linux?.resources, warnings: [] };
  const planned = planCgroup(
    {
      name,
      resources,
      kernel: facts.kernel,
      rootless: facts.uid !== 0 || isDelegate || scope?.user === true,
      isDelegated: isDelegate && layout.v2 !== null,
      scope: scope?.ask,
      joinAll,
      ...readCgroupFacts({ name, resources, joinAll }, layout),
    },
    layout,
  );
  if (!Array.isArray(planned)) {
    const plan = planned as CgroupPlan;
    return isDelegate ? { ...plan, warnings } : plan;
  }
  throw new WishError(
    planned.map(
      ({ path, expected, received }) =>
        `${pathText(path)}: expected ${expected}, received ${received}`,
    ),
  );
}

export type OwnResources = {
  readonly cgroup: CgroupPlan;
  /** It has the container's id in it as more than a path, or is what it is since nobody answered just now. */
  readonly isUnique: boolean;
};

/** The same, in a scope where an ordinary user's limits would be among what systemd keeps. */
export async function planOwnResources(
  spec: Spec,
  id: string,
  facts: Facts,
): Promise<OwnResources> {
  const { devices: _, ...limits } = spec.linux?.resources ?? {};
  const isAsked = facts.userNamespace !== undefined && Object.keys(limits).length > 0;
  // Loaded only where it may be needed: not on the path of other starts.
  const scope = isAsked
    ? await (await import("./own-scope.ts")).ownScope(spec, id, facts)
    : undefined;
  return { cgroup: planResources(spec, id, facts, false, scope), isUnique: isAsked };
}
