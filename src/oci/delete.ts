/** `delete`: everything that is left of a container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { byParent, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { planFreeze } from "./freeze.ts";
import type { Container } from "./record.ts";

const SIGKILL = 9;

/**
 * The steps that delete a container. One that is only created is ended first, as the peers do,
 * since nothing else could end it; one that runs, only by force.
 *
 * @param spec what it was made from; null when that is not known any more
 * @throws WishError when it still runs
 */
export function planDelete(container: Container, spec: Spec | null, force: boolean): Step[] {
  const { id, directory, status, process, record } = container;
  if (!force && status !== "stopped" && status !== "created") {
    throw new WishError([
      `cannot delete container ${id} that is not stopped: ${status}; kill it first, or delete --force`,
    ]);
  }
  const setting = { id, bundle: { directory: record?.bundle ?? "/", config: null } };
  return [
    byParent({ op: "lock", at: onHost(directory) }, "no other command changes it meanwhile"),
    ...(status === "paused" ? planFreeze(container, false) : []),
    ...(process === null
      ? []
      : [
          byParent(
            { op: "signal", ...process, signal: SIGKILL, wait: true, required: false },
            "its process ends first",
          ),
        ]),
    ...(record?.cgroups ?? []).map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    ...(spec === null ? [] : planHooksOf("poststop", { spec, setting })),
    byParent(
      { op: "remove", at: onHost(directory) },
      "the state itself, last: until then it can be tried again",
    ),
  ];
}
