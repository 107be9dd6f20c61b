/** Other limits for a container that runs: the steps that change its cgroups. */

import { planUpdate, type ScopeChange } from "../cgroup/update.ts";
import { WishError } from "../container/wish-error.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readFacts } from "../host/facts.ts";
import { findOwnIoWeight, readPresentLimits } from "../host/present-limits.ts";
import { readStreams } from "../host/streams.ts";
import type { Step } from "../plan/op.ts";
import { formatProblem, type LinuxResources } from "../spec/mod.ts";

export type LimitSteps = {
  readonly steps: readonly Step[];
  readonly warnings: readonly string[];
};

/** The scope in which systemd keeps the container. */
export type ScopeOfLimits = {
  readonly change: ScopeChange;
  /** It is in a user's own part of the cgroups. */
  readonly user: boolean;
};

/**
 * @param directories the container's cgroups
 * @throws WishError with everything that stands against it
 */
export function planLimits(
  directories: readonly string[],
  resources: LinuxResources,
  scope?: ScopeOfLimits,
): LimitSteps {
  const layout = readCgroupLayout();
  const facts = readFacts(layout, readStreams());
  const planned = planUpdate(
    {
      resources,
      directories,
      present: readPresentLimits(directories, layout),
      kernel: facts.kernel,
      rootless: facts.uid !== 0 || facts.userNamespace !== undefined || scope?.user === true,
      scope: scope?.change,
      ioWeight: findOwnIoWeight(directories, layout),
    },
    layout,
  );
  if ("steps" in planned) return { steps: planned.steps, warnings: planned.warnings };
  throw new WishError(planned.map(formatProblem));
}
