/** What is done to containers that are there already: short plans, and the wait for what comes of them. */

import { existsSync, readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { Roots } from "../container/roots.ts";
import { WishError } from "../container/wish-error.ts";
import { describeFailure, type StepFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import { canFreeze, readLinkIfThere, readProcess } from "../host/first-process.ts";
import { readUserNamespace } from "../host/user-namespace.ts";
import { disconnectSteps } from "../network/remains.ts";
import type { Step } from "../plan/op.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import { noteStop } from "./kept.ts";
import { type Container, isAlive, readContainer, shownStatus } from "./status.ts";

const SIGTERM = 15;
export const SIGKILL = 9;

/** The failure of these steps, null when there was none. */
async function failureOf(steps: readonly Step[]): Promise<StepFailure | null> {
  return (await executePlan({ version: 1, steps }, "ignore").outcome).failure;
}

const toldOf = (steps: readonly Step[], failure: StepFailure): WishError =>
  new WishError([describeFailure({ version: 1, steps }, failure)]);

/** @throws WishError with the step that failed */
export async function carryOut(steps: readonly Step[]): Promise<void> {
  const failure = await failureOf(steps);
  if (failure !== null) throw toldOf(steps, failure);
}

const processFile = ({ directory }: Container) => onHost(`${directory}/pid`);

/** By another's `start` or `restart`, in the same directory. */
export function hasRunAnew({ directory, process }: Container): boolean {
  const now = readProcess(`${directory}/pid`);
  return now !== null && (process?.pid !== now.pid || process.started !== now.started);
}

/**
 * Whether the state directory is gone: whoever watches over the container removes it last of all.
 *
 * @param patience milliseconds
 * @param isOver what else ends the wait
 */
export async function waitUntilGone(
  container: Container,
  patience: number,
  isOver: (container: Container) => boolean = () => false,
): Promise<boolean> {
  const end = Date.now() + patience;
  for (let pause = 1; existsSync(container.directory); pause = Math.min(pause * 2, 50)) {
    if (isOver(container)) return true;
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

/** Since it was looked up: its cgroups go with it. */
export const hasJustEnded = ({ directory }: Pick<Container, "directory">): boolean =>
  readProcess(`${directory}/pid`) === null;

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
  if (hasJustEnded(container)) throw new WishError([`container ${name} has just ended`]);
  if (path === undefined) {
    throw new WishError([
      `container ${name} has no cgroup that can be frozen: ${
        readUserNamespace() === null
          ? "mount the freezer controller, or cgroup version 2"
          : "without root that takes a part of cgroup version 2 that is delegated to this user"
      }`,
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
      {
        op: "signal",
        of: processFile(container),
        signal,
        wait: false,
        patience: 0,
        required: true,
      },
      "kill",
    ),
    ...(signal === SIGKILL ? thaw(container) : []),
  ]);
}

/** For how long a signal's `patience` is for ever. */
const forEver = 0xffff_ffff;

/** The steps that end a process: a signal that it may heed, and SIGKILL when it has not in time. */
function endingOf(container: Container, signal: number, seconds: number): Step[] {
  const of = processFile(container);
  const first = {
    op: "signal",
    of,
    signal,
    wait: false,
    patience: seconds < 0 ? forEver : Math.min(seconds * 1000, forEver - 1),
    required: false,
  } as const;
  const last = { ...first, signal: SIGKILL, wait: true, patience: 0 };
  const begin = [byParent({ ...first, patience: 0 }, "stop"), ...thaw(container)];
  return [...begin, byParent({ ...first, signal: 0 }, "stop: time to end"), byParent(last, "stop")];
}

/** Milliseconds for an executor that waits, or makes a container, to give up and to take all away. */
const givingUp = 2_000;

const signalMonitor = ({ directory }: Container, signal: number, required: boolean): Step =>
  byParent(
    {
      op: "signal",
      of: onHost(`${directory}/monitor`),
      signal,
      wait: false,
      patience: givingUp,
      required,
    },
    "stop: it is about to start",
  );

/** How to end a container: its stop signal, and the seconds until SIGKILL; negative: as long as it takes. */
type EndWish = { readonly signal: number; readonly seconds: number };

/**
 * One that has no process yet: its executor waits before it starts it again, or is making it. It may
 * have made it by now, and hands the signal on: then it is ended as others are.
 *
 * @returns whether there was an executor that heard of it
 */
async function endBeforeStart(container: Container, roots: Roots, wish: EndWish): Promise<boolean> {
  const isHeard = (await failureOf([signalMonitor(container, SIGTERM, true)])) === null;
  const seen = await readContainer(roots, container.id);
  if (seen === null || !existsSync(seen.directory)) return isHeard;
  if (seen.process !== null) {
    await endContainer(seen, roots, wish);
    return isHeard;
  }
  await carryOut([signalMonitor(container, SIGKILL, false)]);
  if (existsSync(container.directory)) {
    await clearRemains(container, roots, { isOver: hasRunAnew });
  }
  return isHeard;
}

/** @throws WishError when it does not end, although nobody has paused it meanwhile */
async function endProcess({ id }: Container, roots: Roots, steps: readonly Step[]): Promise<void> {
  const failure = await failureOf(steps);
  if (failure === null) return;
  const seen = await readContainer(roots, id);
  if (seen?.status !== "paused") throw toldOf(steps, failure);
  await carryOut(endingOf(seen, SIGKILL, 0));
}

/** Milliseconds: for the kernel to end a process that was told to, and for what it had to be taken away. */
const endingTime = 20_000;
const clearingTime = 120_000;

/** Whoever watches over it takes away what it had: networks take their time on a busy machine. */
async function hasGone(container: Container): Promise<boolean> {
  if (await waitUntilGone(container, endingTime, hasRunAnew)) return true;
  const isIdle = ({ directory }: Container) => readProcess(`${directory}/monitor`) === null;
  if (!hasJustEnded(container) || isIdle(container)) return false;
  return waitUntilGone(container, clearingTime, (seen) => hasRunAnew(seen) || isIdle(seen));
}

/** Why one that was told to end is still there. */
const whyNotGone = (container: Container): string =>
  hasJustEnded(container)
    ? `container ${container.name} has ended, and what it had is still being taken away: try again`
    : `container ${container.name} does not end: its processes may be waiting for a disk or a network file system`;

/** Whether a start has been noted since it ended last (noteStart, noteRestart). */
const isStartNoted = ({ started, end }: Container): boolean =>
  (started ?? 0) > (end?.at ?? Number.POSITIVE_INFINITY);

/**
 * Ends what there is of a container.
 *
 * @param seen how it fares now that no start of its policy is noted any more
 * @returns whether that was the start that is noted; null: it does not end
 */
async function endWhatIsThere(
  container: Container,
  seen: Container,
  roots: Roots,
  wish: EndWish,
): Promise<boolean | null> {
  let isNoted: boolean;
  if (container.process === null) {
    const isHeard = await endBeforeStart(container, roots, wish);
    isNoted = isHeard && isStartNoted(seen);
  } else {
    // Its file may be about another run by now, which nobody has asked to end.
    if (!hasRunAnew(container)) {
      await endProcess(container, roots, endingOf(container, wish.signal, wish.seconds));
    }
    isNoted = seen.started === container.started;
  }
  return (await hasGone(container)) ? isNoted : null;
}

/**
 * Ends a container: its stop signal first, and SIGKILL when that has not helped in time. One that
 * does not run is left as it is, unless its policy is about to start it.
 *
 * @throws WishError when it does not end
 */
export async function endContainer(
  container: Container,
  roots: Roots,
  wish: EndWish,
): Promise<void> {
  const { id, kept, record } = container;
  const hasPolicy = kept && (record.engine?.restart.name ?? "no") !== "no";
  if (!isAlive(container) && !hasPolicy) return;
  if (kept) await noteStop(roots.dataRoot, id);
  const seen = (hasPolicy ? await readContainer(roots, id) : null) ?? container;
  const hasCome = isAlive(container) ? await endWhatIsThere(container, seen, roots, wish) : false;
  if (hasCome === null) {
    throw new WishError([whyNotGone(container)]);
  }
  if (hasPolicy) await endLateStart(container, roots, hasCome);
}

/** Milliseconds in which a start that was noted makes its state directory, also on a busy machine. */
const startTime = 10_000;

/** A start was noted just now, and has made nothing yet that could be seen. */
const isAboutToCome = ({ process, started, end, directory }: Container): boolean =>
  process === null &&
  started !== null &&
  started > (end?.at ?? 0) &&
  Date.now() < started + startTime &&
  !existsSync(directory);

/** The container as it is when a start of it that is under way has come to something, or to nothing. */
export async function whenStarted(container: Container, roots: Roots): Promise<Container | null> {
  let seen: Container | null = container;
  while (seen?.kept === true && isAboutToCome(seen)) {
    await sleep(20);
    seen = await readContainer(roots, container.id);
  }
  return seen;
}

/** Milliseconds in which a monitor has tidied up after an end, also on a busy machine. */
const tidyTime = 5_000;

/**
 * The container as it is when its monitor has tidied up, where it has ended and is not started again:
 * until then it is neither running nor ready to be started or removed. Null: it is gone by then.
 */
export async function whenTidied(container: Container, roots: Roots): Promise<Container | null> {
  const end = Date.now() + tidyTime;
  let seen: Container | null = container;
  while (seen?.status === "restarting" && shownStatus(seen) === "exited" && Date.now() < end) {
    await sleep(20);
    seen = await readContainer(roots, container.id);
  }
  return seen;
}

/**
 * Its policy may have had the next start under way before it could hear of the stop: that was noted
 * after the last end (noteRestart), and is waited for. One that was not noted by now is refused.
 *
 * @param hasCome the noted start was seen, and has ended
 */
async function endLateStart(
  { id, record }: Container,
  roots: Roots,
  hasCome: boolean,
): Promise<void> {
  const wish = { signal: record.process.stopSignal, seconds: record.engine?.stopTimeout ?? 10 };
  if (hasCome) await sleep(100);
  for (;;) {
    const seen = await readContainer(roots, id);
    if (seen === null) return;
    if (isAlive(seen)) return endContainer(seen, roots, wish);
    const isLate = Date.now() > (seen.started ?? 0) + startTime;
    if (hasCome || isLate || !isStartNoted(seen) || seen.error !== "") return;
    await sleep(50);
  }
}

/** The links by which a container is found by name as long as it runs. */
function nameLinks({ id }: Container, { runRoot }: Roots): string[] {
  const names = `${runRoot}/names`;
  return (existsSync(names) ? readdirSync(names) : [])
    .map((name) => `${names}/${name}`)
    .filter((path) => readLinkIfThere(path) === `../${id}`);
}

/** Another command, or the container's own executor, is at work on it. */
export class BusyError extends WishError {
  override name = "BusyError";
}

const ENOENT = 2;
const EAGAIN = 11;

/**
 * Takes away what a container whose executor was killed has left of its last run; its files stay.
 * Somebody else who is about to do so is waited for.
 *
 * @param patience milliseconds
 * @param isOver what else ends the wait: what is there then is no remains
 * @throws BusyError when whoever has it in hand keeps it; WishError
 */
export async function clearRemains(
  container: Container,
  roots: Roots,
  {
    patience = 5_000,
    isOver = () => false,
  }: { readonly patience?: number; readonly isOver?: (container: Container) => boolean } = {},
): Promise<void> {
  const { directory, name, record } = container;
  const end = Date.now() + patience;
  for (;;) {
    const steps = [
      byParent(lock(onHost(directory)), "nobody uses it any more"),
      ...disconnectSteps(roots, container.id, directory),
      ...record.cgroups.map((path) =>
        byParent({ op: "remove_cgroup", at: onHost(path) }, "state.json: cgroups"),
      ),
      ...nameLinks(container, roots).map((path) =>
        byParent({ op: "remove", at: onHost(path) }, "its name"),
      ),
      byParent({ op: "remove", at: onHost(directory) }, "what is left of its last run"),
    ];
    const failure = await failureOf(steps);
    if (failure === null || (failure.step === 0 && failure.errno === ENOENT)) return;
    if (failure.step !== 0 || failure.errno !== EAGAIN) throw toldOf(steps, failure);
    // Not longer at once: who holds the lock may be killed, and leave it to us.
    if (await waitUntilGone(container, 100, isOver)) return;
    if (Date.now() >= end) {
      throw new BusyError([`container ${name} is being used by another command: try again`]);
    }
  }
}
