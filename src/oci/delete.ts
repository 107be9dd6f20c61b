/** `delete`: everything that is left of a container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { byParent, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { type Container, processFile } from "./record.ts";
import type { Later } from "./start.ts";

const SIGKILL = 9;

/**
 * The steps that delete a container, whatever state it is in. A process of a frozen cgroup does not
 * end: so it is thawed first.
 *
 * @param spec what it was made from; null when that is not known any more
 */
export function planDelete(later: Later, cgroups: readonly string[], spec: Spec | null): Step[] {
  return [
    byParent({ op: "lock", at: onHost(later.directory) }, "no other command changes it meanwhile"),
    ...planRemoval(later, cgroups, spec),
  ];
}

/** What is left of a container goes, whoever still runs in it; for who has the lock already. */
export function planRemoval(
  { id, directory, bundle }: Later,
  cgroups: readonly string[],
  spec: Spec | null,
): Step[] {
  const setting = { id, bundle: { directory: bundle, config: null } };
  const freezer = cgroups.find((path) => path.includes("/freezer/")) ?? cgroups.at(-1);
  const of = processFile(directory);
  return [
    ...(freezer === undefined
      ? []
      : [byParent({ op: "freeze", at: onHost(freezer), frozen: false }, "it may be paused")]),
    byParent(
      { op: "signal", of, signal: SIGKILL, wait: true, required: false },
      "its process ends first",
    ),
    ...cgroups.map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    ...(spec === null ? [] : planHooksOf("poststop", { spec, setting })),
    byParent(
      { op: "remove", at: onHost(directory) },
      "the state itself, last: until then it can be tried again",
    ),
  ];
}

/**
 * One that is only created may be deleted, as the peers have it, since nothing else could end it.
 *
 * @throws WishError when it still runs
 */
export function checkDelete({ id, status }: Container, force: boolean): void {
  if (force || status === "stopped" || status === "created") return;
  throw new WishError([
    `cannot delete container ${id} that is not stopped: ${status}; kill it first, or delete --force`,
  ]);
}
