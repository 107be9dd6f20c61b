/** `delete`: everything that is left of a container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { planFreeze } from "./freeze.ts";
import type { Container } from "./record.ts";

const SIGKILL = 9;
/** Milliseconds in which a command at work on the container has to end with it. */
const PATIENCE = 10_000;

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
  const end = [
    ...(status === "paused" ? planFreeze(container, false) : []),
    ...(process === null
      ? []
      : [
          byParent(
            { op: "signal", ...process, signal: SIGKILL, wait: true, required: false },
            "its process ends first",
          ),
        ]),
  ];
  const rest = [
    ...(record?.cgroups ?? []).map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    ...(spec === null ? [] : planHooksOf("poststop", { spec, setting })),
    byParent(
      { op: "remove", at: onHost(directory) },
      "the state itself, last: until then it can be tried again",
    ),
  ];
  const at = onHost(directory);
  if (!force) return [byParent(lock(at), "no other command changes it meanwhile"), ...end, ...rest];
  // By force also from under a command at work on it, such as `run`: that sees the end of the
  // process, and leaves the rest to us or has removed it when it ends.
  return [
    ...end,
    byParent(
      { op: "lock", at, patience: PATIENCE, past: rest.length },
      "no other command changes it meanwhile",
    ),
    ...rest,
  ];
}
