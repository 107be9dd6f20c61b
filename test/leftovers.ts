// What containers might leave behind on the machine, found from outside.

import { readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseMountinfo } from "./sight.ts";

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

export const listIfThere = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/** Processes that hold a file or a mount below a directory, or were given its name: `PID what`. */
export function processesAt(directory: string): string[] {
  const holds = (pid: string): string | undefined => {
    if (readIfThere(`/proc/${pid}/cmdline`).includes(directory)) return "arguments";
    if (readIfThere(`/proc/${pid}/mountinfo`).includes(directory)) return "mounts";
    for (const fd of listIfThere(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory)) return `descriptor ${fd}`;
      } catch {} // closed meanwhile
    }
    return undefined;
  };
  return listIfThere("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const what = holds(pid);
      return what === undefined
        ? []
        : [`${pid} ${readIfThere(`/proc/${pid}/comm`).trim()} ${what}`];
    });
}

/** The containers of which the state is below another temporary directory, or the machine's own. */
function othersContainers(runRoot: string): Set<string> {
  const temporary = realpathSync(tmpdir());
  const runRoots = readdirSync(temporary).map((name) => `${temporary}/${name}/run`);
  return new Set(
    [...runRoots, "/run/pivot"].filter((each) => each !== runRoot).flatMap(listIfThere),
  );
}

/** Not that of a world in which a suite of clients or a benchmark is at work (tools/world.sh). */
const isContainers = (name: string): boolean =>
  name.startsWith("pivot-") && !name.startsWith("pivot-world-");

/** Cgroups that no process is in, of containers that no other run root than this one knows of. */
export function emptyCgroups(runRoot: string): Set<string> {
  const mounts = parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"));
  const empty = mounts
    .filter(({ type }) => type === "cgroup" || type === "cgroup2")
    .flatMap(({ at }) => listIfThere(at).map((name) => ({ path: `${at}/${name}`, name })))
    .filter(({ name }) => isContainers(name))
    .filter(({ path }) => readIfThere(`${path}/cgroup.procs`) === "");
  if (empty.length === 0) return new Set();
  const others = othersContainers(runRoot);
  return new Set(
    empty.filter(({ name }) => !others.has(name.replace("pivot-", ""))).map(({ path }) => path),
  );
}

export const countMounts = (): number =>
  readFileSync("/proc/self/mountinfo", "utf8").split("\n").length;

export const mountsBelow = (directory: string): string[] =>
  readFileSync("/proc/self/mountinfo", "utf8")
    .split("\n")
    .filter((line) => line.includes(directory));

/** The namespaces that this process is in. */
export const ownNamespaces = (): string =>
  listIfThere("/proc/self/ns")
    .map((name) => readlinkSync(`/proc/self/ns/${name}`))
    .join(" ");
