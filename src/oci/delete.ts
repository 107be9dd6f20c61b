/** `delete`: everything that is left of a container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { planKillOf, planThawOf } from "./freeze.ts";
import { type Container, type Groups, groupsOf, processFile } from "./record.ts";
import type { Later } from "./start.ts";

const SIGKILL = 9;
/** Milliseconds in which a command at work on the container has to end with it. */
const PATIENCE = 10_000;

/** Milliseconds for the first process to end as most do: not when it is frozen. */
const USUAL = 300;

/**
 * Its process ends, and whoever else is in its cgroups. Who is frozen by version 1 does not, and it may be
 * the container that freezes: so all are told before any of them can do that again.
 */
function planEndOf({ directory }: Later, { cgroups }: Groups): Step[] {
  const of = processFile(directory);
  const end = { op: "signal", of, signal: SIGKILL, required: false } as const;
  return [
    byParent({ ...end, wait: false, patience: USUAL }, "its process ends first"),
    ...planKillOf(cgroups),
    ...planThawOf(cgroups),
    byParent({ ...end, wait: true, patience: 0 }, "its process has to have ended"),
  ];
}

function planRest({ id, directory, bundle }: Later, groups: Groups, spec: Spec | null): Step[] {
  const setting = { id, bundle: { directory: bundle, config: null } };
  return [
    ...groupsOf(groups).map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    // Empty by now, it is stopped at once: systemd would give processes a minute and a half to end.
    ...(groups.stop === undefined ? [] : [byParent(groups.stop, "state.json: scope")]),
    ...(spec === null ? [] : planHooksOf("poststop", { spec, setting })),
    byParent(
      { op: "remove", at: onHost(directory) },
      "the state itself, last: until then it can be tried again",
    ),
  ];
}

/** What is left of a container goes, whoever still runs in it; for who has the lock already. */
export const planRemoval = (later: Later, groups: Groups, spec: Spec | null): Step[] => [
  ...planEndOf(later, groups),
  ...planRest(later, groups, spec),
];

/**
 * The steps that delete a container, whatever state it is in.
 *
 * @param spec what it was made from; null when that is not known any more
 * @param first what comes first. `end`: also from under a command at work on the container, such as
 *   `run`, which sees the end of the process, and leaves the rest to us or has removed it when it ends
 */
export function planDelete(
  later: Later,
  groups: Groups,
  spec: Spec | null,
  first: "lock" | "end" = "lock",
): Step[] {
  const at = onHost(later.directory);
  const why = "no other command changes it meanwhile";
  const end = planEndOf(later, groups);
  const rest = planRest(later, groups, spec);
  return first === "lock"
    ? [byParent(lock(at), why), ...end, ...rest]
    : [...end, byParent({ op: "lock", at, patience: PATIENCE, past: rest.length }, why), ...rest];
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
