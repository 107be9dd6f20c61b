// What containers might leave behind on the machine, found from outside.

import { readdirSync, readFileSync, readlinkSync } from "node:fs";
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

/** Cgroups of containers in which no process is: others may have containers that are in use. */
export function emptyCgroups(): Set<string> {
  const found = new Set<string>();
  const look = (directory: string): void => {
    for (const name of listIfThere(directory).filter((each) => each.startsWith("pivot-"))) {
      if (readIfThere(`${directory}/${name}/cgroup.procs`) === "")
        found.add(`${directory}/${name}`);
    }
  };
  for (const { at, type } of parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))) {
    if (type === "cgroup" || type === "cgroup2") look(at);
  }
  return found;
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
