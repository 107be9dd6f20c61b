/**
 * What is kept of a container between commands, and what becomes of it: the state directory holds
 *
 *     state.json    the record, written once, before anything that it names is made
 *     config.json   the configuration that the container was made from
 *     pid           of its first process, and when that began: so no other is taken for it
 *     making        nothing; gone once all is made, and who made it has the lock until then
 *     start         the socket at which init waits; gone once somebody has said start
 *     start.plan    what `start`, `kill` and `delete` will do, planned together with the container:
 *     kill.plan     so that they need no JavaScript runtime (native/kept.c)
 *     kill-9.plan
 *     delete.plan
 *     state.text    what `state` will say, but for the status and the process (native/kept-state.c)
 *
 * and is locked for as long as a command changes the container. What state it is in is never
 * written down, but seen: so a crash can leave nothing that is wrong.
 */

import { existsSync, readdirSync } from "node:fs";
import {
  type FirstProcess,
  isFrozen,
  isLocked,
  readIfThere,
  readProcess,
} from "../host/first-process.ts";
import type { Namespace } from "../plan/constants.ts";
import type { Op, Place } from "../plan/op.ts";
import { onHost } from "../planner/step.ts";
import type { Manager } from "../systemd/ask.ts";

/** What later commands have to know of a scope. */
export type ScopeRecord = { readonly unit: string; readonly manager: Manager };

export type ContainerRecord = {
  readonly version: 1;
  readonly id: string;
  readonly ociVersion: string;
  /** The bundle's directory. */
  readonly bundle: string;
  readonly rootfs: string;
  /** ISO 8601. */
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  /** The namespaces that are the container's. */
  readonly namespaces: readonly Namespace[];
  /** Directories of cgroups that were made for it alone. */
  readonly cgroups: readonly string[];
  /** The scope in which systemd keeps it; absent: none. */
  readonly scope?: ScopeRecord;
  /** Directories of resctrl that were made for it alone, the inner ones first; absent: none. */
  readonly rdtGroups?: readonly string[];
  /**
   * Its first process ends when its parent does, for as long as it lives and wherever it is restored:
   * PR_SET_PDEATHSIG(2const).
   */
  readonly endsWithParent?: true;
};

/** What a container has of the kernel's file systems, and of systemd. */
export type Groups = Pick<ContainerRecord, "cgroups" | "rdtGroups" | "scope"> & {
  /** What stops its scope; absent: it has none. */
  readonly stop?: Op;
};

/** All of it, as directories that are removed with the container. */
export const groupsOf = ({ cgroups, rdtGroups = [] }: Groups): readonly string[] => [
  ...cgroups,
  ...rdtGroups,
];

/** Where the first process is written down, for the steps that need it. */
export const processFile = (directory: string): Place => onHost(`${directory}/pid`);

/** runtime.md, "State"; `paused` is what the peers say of a frozen one. */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

export type Container = {
  readonly id: string;
  readonly directory: string;
  /** Null when its making was cut short before it was written. */
  readonly record: ContainerRecord | null;
  readonly status: Status;
  /** Null when it has ended, or was never made. */
  readonly process: FirstProcess | null;
};

/** The peers' rule: it names a directory, and is shown on command lines. */
export const isContainerId = (id: string): boolean =>
  /^[\w+.-]{1,255}$/.test(id) && id !== "." && id !== "..";

const isText = (value: unknown): boolean => typeof value === "string";

function readRecord(directory: string): ContainerRecord | null {
  try {
    const record = JSON.parse(readIfThere(`${directory}/state.json`) ?? "") as ContainerRecord;
    const lists = [record.cgroups, record.namespaces, record.rdtGroups ?? []];
    const isWhole = lists.every((list) => Array.isArray(list) && list.every(isText));
    return record.version === 1 && isText(record.bundle) && isWhole ? record : null;
  } catch {
    return null; // cut short by the end of its writer
  }
}

function statusOf(directory: string, record: ContainerRecord | null, process: FirstProcess | null) {
  const isThere = record !== null && process !== null;
  // Until all is made the directory is locked, or who made it was ended.
  const maybeMaking = isThere ? existsSync(`${directory}/making`) : !existsSync(`${directory}/pid`);
  if (maybeMaking && isLocked(directory)) return "creating";
  if (!isThere) return "stopped";
  if (existsSync(`${directory}/start`)) return "created";
  return isFrozen(record.cgroups) ? "paused" : "running";
}

/** Null when there is no container of this id. */
export function readContainer(root: string, id: string): Container | null {
  const directory = `${root}/${id}`;
  if (!isContainerId(id) || !existsSync(directory)) return null;
  const record = readRecord(directory);
  const process = readProcess(`${directory}/pid`);
  return { id, directory, record, process, status: statusOf(directory, record, process) };
}

/** What the peers say, and clients look for. */
export class NoContainerError extends Error {
  override name = "NoContainerError";
}

/** @throws NoContainerError */
export function findContainer(root: string, id: string): Container {
  const found = readContainer(root, id);
  if (found !== null) return found;
  throw new NoContainerError(
    `container ${JSON.stringify(id)} does not exist: \`pivot-oci list\` shows those that do`,
  );
}

export function listContainers(root: string): Container[] {
  let names: string[];
  try {
    names = readdirSync(root);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
  return names.sort().flatMap((id) => {
    const found = readContainer(root, id);
    return found === null ? [] : [found];
  });
}

/** The state as runtime.md has it, and what the peers add. */
export function stateDocument({ id, record, status, process }: Container) {
  return {
    ociVersion: record?.ociVersion ?? "",
    id,
    status,
    ...(process === null ? {} : { pid: process.pid }),
    bundle: record?.bundle ?? "",
    rootfs: record?.rootfs ?? "",
    created: record?.created ?? "",
    ...(record?.annotations === undefined ? {} : { annotations: record.annotations }),
    owner: "",
  };
}
