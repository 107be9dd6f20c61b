/** `pause` and `resume`: all processes of a container's cgroup. */

import { WishError } from "../container/wish-error.ts";
import { canFreeze } from "../host/first-process.ts";
import type { Step } from "../plan/op.ts";
import { byParent, onHost } from "../planner/step.ts";
import type { Container } from "./record.ts";

/** The cgroup by which the container can be frozen: version 1's freezer, or any of version 2. */
export const freezerOf = ({ record }: Container): string | undefined =>
  record?.cgroups.find(canFreeze);

const SIGKILL = 9;

/** The cgroup by which it can be frozen, as far as can be known from the names of its cgroups. */
const likelyFreezerOf = (cgroups: readonly string[]): string | undefined =>
  cgroups.find((each) => each.includes("/freezer/")) ?? cgroups.at(-1);

/** Whoever is in the container's cgroups, or in one below, ends. */
export function planKillOf(cgroups: readonly string[]): Step[] {
  const path = likelyFreezerOf(cgroups);
  if (path === undefined) return [];
  return [
    byParent({ op: "signal_cgroup", at: onHost(path), signal: SIGKILL }, "its processes end"),
  ];
}

/** Whoever is frozen goes on. */
export function planThawOf(cgroups: readonly string[]): Step[] {
  const path = likelyFreezerOf(cgroups);
  if (path === undefined) return [];
  return [byParent({ op: "freeze", at: onHost(path), frozen: false }, "it may be paused")];
}

/** @throws WishError when there is no such cgroup */
export function planFreeze(container: Container, frozen: boolean): Step[] {
  const path = freezerOf(container);
  if (path === undefined) {
    throw new WishError([
      `container ${container.id} has no cgroup that can be frozen: mount the freezer controller, or cgroup version 2`,
    ]);
  }
  return [byParent({ op: "freeze", at: onHost(path), frozen }, frozen ? "pause" : "resume")];
}

/** @throws WishError when it does not run */
export function planPause(container: Container): Step[] {
  const { status, id } = container;
  if (status === "running" || status === "created") return planFreeze(container, true);
  throw new WishError([`container not running or created: ${id} is ${status}`]);
}

/** @throws WishError when it is not paused */
export function planResume(container: Container): Step[] {
  if (container.status === "paused") return planFreeze(container, false);
  throw new WishError([`container not paused: ${container.id} is ${container.status}`]);
}
