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
 *
 * and is locked for as long as a command changes the container. What state it is in is never
 * written down, but seen: so a crash can leave nothing that is wrong.
 */

import { existsSync, readdirSync, readFileSync, type Stats, statSync } from "node:fs";
import type { Namespace } from "../plan/constants.ts";
import type { Place } from "../plan/op.ts";
import { onHost } from "../planner/step.ts";

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
  /** Directories of resctrl that were made for it alone, the inner ones first; absent: none. */
  readonly rdtGroups?: readonly string[];
  /**
   * Its first process ends when its parent does, for as long as it lives and wherever it is restored:
   * PR_SET_PDEATHSIG(2const).
   */
  readonly endsWithParent?: true;
};

/** What a container has of the kernel's file systems. */
export type Groups = Pick<ContainerRecord, "cgroups" | "rdtGroups">;

/** All of it, as directories that are removed with the container. */
export const groupsOf = ({ cgroups, rdtGroups = [] }: Groups): readonly string[] => [
  ...cgroups,
  ...rdtGroups,
];

/** Where the first process is written down, for the steps that need it. */
export const processFile = (directory: string): Place => onHost(`${directory}/pid`);

/** runtime.md, "State"; `paused` is what the peers say of a frozen one. */
export type Status = "creating" | "created" | "running" | "paused" | "stopped";

export type FirstProcess = { readonly pid: number; readonly started: bigint };

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

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "ESRCH") return null;
    throw error;
  }
}

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

/** proc_pid_stat(5): fields 3 and 22; the name before them may hold anything. */
function readStat(pid: number): { readonly state: string; readonly started: bigint } | null {
  const text = readIfThere(`/proc/${pid}/stat`);
  if (text === null) return null;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "X", started: BigInt(fields[19] ?? 0) };
}

/** The first process, as long as it is there. */
function readProcess(directory: string): FirstProcess | null {
  const match = /^(\d+) (\d+)$/.exec(readIfThere(`${directory}/pid`) ?? "");
  if (match?.[1] === undefined || match[2] === undefined) return null;
  const process = { pid: Number(match[1]), started: BigInt(match[2]) };
  const stat = readStat(process.pid);
  if (stat === null || stat.started !== process.started || /[ZX]/.test(stat.state)) return null;
  return process;
}

/** Whether a process has the directory open. */
function holds(pid: string, { dev, ino }: Stats): boolean {
  try {
    return readdirSync(`/proc/${pid}/fd`).some((fd) => {
      const found = statSync(`/proc/${pid}/fd/${fd}`, { throwIfNoEntry: false });
      return found?.ino === ino && found.dev === dev;
    });
  } catch {
    return false; // it has ended
  }
}

/**
 * Whether a command is at work on the container. proc_locks(5) names an inode and who locked it, but
 * the device not always as stat(2) does: so the holder is looked at.
 */
export function isLocked(directory: string): boolean {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const line = new RegExp(`FLOCK +\\w+ +\\w+ (\\d+) \\S+:${found.ino} `, "g");
  return [...(readIfThere("/proc/locks") ?? "").matchAll(line)].some(([, pid = ""]) =>
    holds(pid, found),
  );
}

function isFrozen({ cgroups }: ContainerRecord): boolean {
  return cgroups.some((cgroup) => {
    const v1 = readIfThere(`${cgroup}/freezer.state`);
    if (v1 !== null) return v1 !== "THAWED\n";
    return readIfThere(`${cgroup}/cgroup.freeze`) === "1\n";
  });
}

function statusOf(directory: string, record: ContainerRecord | null, process: FirstProcess | null) {
  const isThere = record !== null && process !== null;
  // Until all is made the directory is locked, or who made it was ended.
  const maybeMaking = isThere ? existsSync(`${directory}/making`) : !existsSync(`${directory}/pid`);
  if (maybeMaking && isLocked(directory)) return "creating";
  if (!isThere) return "stopped";
  if (existsSync(`${directory}/start`)) return "created";
  return isFrozen(record) ? "paused" : "running";
}

/** Null when there is no container of this id. */
export function readContainer(root: string, id: string): Container | null {
  const directory = `${root}/${id}`;
  if (!isContainerId(id) || !existsSync(directory)) return null;
  const record = readRecord(directory);
  const process = readProcess(directory);
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
