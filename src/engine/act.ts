/** What is done to containers that are there already: short plans, and the wait for what comes of them. */

import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { describeFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import type { Step } from "../plan/op.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import { noteStop } from "./kept.ts";
import { type Container, isAlive } from "./status.ts";

const SIGTERM = 15;
export const SIGKILL = 9;

/** @throws WishError with the step that failed */
export async function carryOut(steps: readonly Step[]): Promise<void> {
  const plan = { version: 1, steps } as const;
  const { failure } = await executePlan(plan, "ignore").outcome;
  if (failure !== null) throw new WishError([describeFailure(plan, failure)]);
}

const processFile = ({ directory }: Container) => onHost(`${directory}/pid`);

/**
 * Whether the state directory is gone: whoever watches over the container removes it last of all.
 *
 * @param patience milliseconds
 */
export async function waitUntilGone({ directory }: Container, patience: number): Promise<boolean> {
  const end = Date.now() + patience;
  for (let pause = 1; existsSync(directory); pause = Math.min(pause * 2, 50)) {
    const left = end - Date.now();
    if (left <= 0) return false;
    await sleep(Math.min(pause, left));
  }
  return true;
}

/** The first process of a frozen cgroup of version 1 does not even end by SIGKILL. */
const thaw = ({ status, record }: Container): Step[] =>
  status === "paused"
    ? record.cgroups.filter(canFreeze).map((path) => freezeStep(path, false))
    : [];

const canFreeze = (path: string): boolean =>
  ["freezer.state", "cgroup.freeze"].some((file) => existsSync(`${path}/${file}`));

const freezeStep = (path: string, frozen: boolean): Step =>
  byParent({ op: "freeze", at: onHost(path), frozen }, frozen ? "pause" : "unpause");

/** @throws WishError when it does not run, or cannot be frozen */
export async function setPaused(container: Container, paused: boolean): Promise<void> {
  const { name, status, record } = container;
  const expected = paused ? "running" : "paused";
  if (status !== expected) {
    throw new WishError([`container ${name} is not ${expected}: it is ${status}`]);
  }
  const path = record.cgroups.find(canFreeze);
  if (path === undefined) {
    throw new WishError([
      `container ${name} has no cgroup that can be frozen: mount the freezer controller, or cgroup version 2`,
    ]);
  }
  await carryOut([freezeStep(path, paused)]);
}

/** @throws WishError when it does not run */
export async function signalContainer(container: Container, signal: number): Promise<void> {
  if (container.process === null) {
    throw new WishError([`container ${container.name} is not running: it is ${container.status}`]);
  }
  await carryOut([
    byParent(
      { op: "signal", of: processFile(container), signal, wait: false, required: true },
      "kill",
    ),
    ...(signal === SIGKILL ? thaw(container) : []),
  ]);
}

/** Who waits to start it again gives up. */
async function endMonitor(container: Container): Promise<void> {
  const of = onHost(`${container.directory}/monitor`);
  await carryOut([
    byParent({ op: "signal", of, signal: SIGTERM, wait: false, required: false }, "stop"),
  ]);
}

/**
 * Ends a container: its stop signal first, and SIGKILL when that has not helped in time. One that
 * does not run is left as it is.
 *
 * @param seconds to wait before; negative: for as long as it takes
 */
export async function stopContainer(
  container: Container,
  roots: Roots,
  { signal, seconds }: { readonly signal: number; readonly seconds: number },
): Promise<void> {
  if (!isAlive(container)) return;
  if (container.kept) await noteStop(roots.dataRoot, container.id);
  if (container.process === null) {
    await endMonitor(container);
  } else {
    await signalContainer(container, signal).catch(() => undefined); // it may just have ended
    await carryOut(thaw(container));
    const patience = seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
    if (await waitUntilGone(container, patience)) return;
    await signalContainer(container, SIGKILL).catch(() => undefined);
  }
  if (await waitUntilGone(container, 20_000)) return;
  throw new WishError([
    `container ${container.name} does not end: its processes may be waiting for a disk or a network file system`,
  ]);
}

/** What a container whose executor was killed has left of its last run; its files stay. */
export async function clearRemains({ directory, record }: Container): Promise<void> {
  await carryOut([
    byParent(lock(onHost(directory)), "nobody uses it any more"),
    ...record.cgroups.map((path) =>
      byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
    ),
    byParent({ op: "remove", at: onHost(directory) }, "what is left of its last run"),
  ]);
}
