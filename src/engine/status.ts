/**
 * How containers fare. Nothing of this is written down: it is seen in what a container leaves, so a
 * crash, a `kill -9` or a reboot can leave nothing that is wrong.
 *
 *     RUNROOT/ID/           there while it runs, locked by its executor
 *     RUNROOT/ID/pid        its first process, and when that began
 *     RUNROOT/ID/monitor    its executor, likewise; alone: it waits before it starts again
 *     DATAROOT/containers/ID/exit   how it ended last; gone while it runs
 */

import { existsSync, statSync } from "node:fs";
import { type ContainerRecord, type Described, nameOf } from "../container/record.ts";
import type { Roots } from "../container/roots.ts";
import { listStates, readState } from "../container/state.ts";
import {
  type FirstProcess,
  isFrozen,
  isLocked,
  readIfThere,
  readProcess,
} from "../host/first-process.ts";
import type { EventSubject } from "./events.ts";
import { type Identity, type KeptContainer, listKept, listKeptNames, readKept } from "./kept.ts";
import { wantsRestart } from "./options.ts";

export type Status =
  | "created"
  | "running"
  | "paused"
  | "restarting"
  | "exited"
  /** What it left when its executor was killed has yet to be taken away. */
  | "dead";

export type Container = {
  readonly id: string;
  readonly name: string;
  /** The directory of its state: there only while it runs. */
  readonly directory: string;
  readonly record: Described;
  readonly status: Status;
  /** Its first process; null: it does not run. */
  readonly process: FirstProcess | null;
  /** Of its end; null: it runs, or was never started. */
  readonly end: End | null;
  /** Milliseconds since 1970; null: it was never started. */
  readonly started: number | null;
  readonly restarts: number;
  /** Why it could not be started; empty: it could. */
  readonly error: string;
  /** Whether it stays when it has ended. */
  readonly kept: boolean;
};

export type End = {
  readonly code: number;
  /** The kernel ended a process of it for want of memory. */
  readonly outOfMemory: boolean;
  /** Milliseconds since 1970; null: nobody saw it. */
  readonly at: number | null;
};

/** As docker's after a crash of its daemon: nobody saw how it ended. */
const unseen: End = { code: 255, outOfMemory: false, at: null };

export const exitFile = ({ dataRoot }: Pick<ContainerRecord, "dataRoot">, id: string): string =>
  `${dataRoot}/containers/${id}/exit`;

function readEnd(record: ContainerRecord): End | null {
  const file = exitFile(record, record.id);
  const match = /^(\d+)(?: (oom))?\s*$/.exec(readIfThere(file) ?? "");
  if (match?.[1] === undefined) return null;
  const at = statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? null;
  return { code: Number(match[1]), outOfMemory: match[2] !== undefined, at };
}

function timeOf(path: string): number | null {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? null;
}

function statusOf(
  directory: string,
  record: ContainerRecord,
  process: FirstProcess | null,
  wasStarted: boolean,
): Status {
  if (process !== null) return isFrozen(record.cgroups) ? "paused" : "running";
  if (existsSync(directory)) {
    if (readProcess(`${directory}/monitor`) !== null) return "restarting";
    // Its executor is about to make it, or to take it away.
    if (isLocked(directory)) return wasStarted ? "exited" : "created";
    return "dead";
  }
  return wasStarted ? "exited" : "created";
}

/** Milliseconds from an end until the executor has planned the next start. */
const planningTime = 2_000;

/** It has just ended and will be started again, unless its executor is killed right now. */
function isAboutToRestart(kept: KeptContainer | null, end: End | null): boolean {
  const policy = kept?.record.engine?.restart;
  if (kept === null || policy === undefined || end === null || end.at === null) return false;
  if (Date.now() - end.at > planningTime) return false;
  return wantsRestart(policy, end.code, kept.restarts, kept.stopped);
}

/**
 * With the cgroups of this start: they are planned anew for each, and an ordinary user's depend on where it
 * was, and on whether it has limits. Their names are the container's alone: where the first is there, all
 * are those of this start.
 */
function withCgroups(record: Described, { runRoot }: Roots): Described {
  const { id, cgroups } = record;
  const [first] = cgroups;
  const isCurrent = first !== undefined && existsSync(first);
  if (isCurrent || !existsSync(`${runRoot}/${id}`)) return record;
  const { state } = readState(runRoot, id);
  return state === null ? record : { ...record, cgroups: state.cgroups };
}

function containerOf(roots: Roots, written: Described, kept: KeptContainer | null): Container {
  const record = kept === null ? written : withCgroups(written, roots);
  const { id } = record;
  const directory = `${roots.runRoot}/${id}`;
  const process = readProcess(`${directory}/pid`);
  const end = process === null ? readEnd(record) : null;
  const started = kept === null ? record.created : kept.started;
  const wasStarted = started !== null;
  const seen = statusOf(directory, record, process, wasStarted);
  return {
    id,
    name: nameOf(record),
    directory,
    record,
    status: seen === "exited" && isAboutToRestart(kept, end) ? "restarting" : seen,
    process,
    end: end ?? (process === null && wasStarted ? unseen : null),
    started,
    restarts: kept?.restarts ?? 0,
    error: kept?.error ?? "",
    kept: kept !== null,
  };
}

function readArgs(directory: string): readonly string[] {
  try {
    const args: unknown = JSON.parse(readIfThere(`${directory}/command`) ?? "");
    return Array.isArray(args) ? args.map(String) : [];
  } catch {
    return []; // cut short by the end of its writer
  }
}

/** One that runs and is not kept: its record is in its state directory. */
function passing(roots: Roots, id: string): Container[] {
  const { state, directory } = readState(roots.runRoot, id);
  if (state === null) return [];
  const created = timeOf(`${directory}/state.json`) ?? 0;
  return [
    containerOf(roots, { ...state, created, args: readArgs(directory), command: null }, null),
  ];
}

/** Every container, the oldest first. */
export async function listContainers(roots: Roots): Promise<Container[]> {
  const kept = await listKept(roots.dataRoot);
  const known = new Set(kept.map(({ record }) => record.id));
  const others = listStates(roots.runRoot)
    .filter((id) => !known.has(id))
    .flatMap((id) => passing(roots, id));
  return [...kept.map((each) => containerOf(roots, each.record, each)), ...others].sort(
    (a, b) => a.record.created - b.record.created,
  );
}

/** What every container is called, without a look at how it fares. */
export async function listIdentities(roots: Roots): Promise<Identity[]> {
  const kept = await listKeptNames(roots.dataRoot);
  const known = new Set(kept.map(({ id }) => id));
  const others = listStates(roots.runRoot)
    .filter((id) => !known.has(id))
    .flatMap((id) => readState(roots.runRoot, id).state ?? []);
  return [...kept, ...others.map((state) => ({ id: state.id, name: nameOf(state) }))];
}

/** One container by its whole id; null: there is none, any more or yet. */
export async function readContainer(roots: Roots, id: string): Promise<Container | null> {
  const kept = await readKept(roots.dataRoot, id);
  if (kept !== null) return containerOf(roots, kept.record, kept);
  return passing(roots, id)[0] ?? null;
}

export const isAlive = ({ status }: Container): boolean =>
  status === "running" || status === "paused" || status === "restarting";

/**
 * What people are told. One that has ended, and that no policy starts again, has a monitor that only
 * tidies up: for whoever changes it, it is under way (`isAlive`), and for whoever looks it has ended.
 */
export function shownStatus({
  status,
  process,
  record,
  end,
  started,
  restarts,
}: Container): Status {
  if (status !== "restarting" || process !== null || end === null || end.at === null) return status;
  // That of an earlier run says nothing of this one.
  if (started === null || end.at < started) return status;
  const policy = record.engine?.restart;
  return policy !== undefined && wantsRestart(policy, end.code, restarts, false)
    ? status
    : "exited";
}

/** For the events: what is told of it. */
export const subjectOf = ({ name, record }: Container): EventSubject => ({
  name,
  image: record.image,
  labels: record.labels,
});
