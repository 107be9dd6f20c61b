/** `linux.intelRdt`: the container's share of caches and of the memory's bandwidth. */

import type { Step } from "../plan/op.ts";
import type { LinuxIntelRdt } from "../spec/mod.ts";
import type { Facts } from "./facts.ts";
import { byInit, byParent, mkdir, onHost, slot, write } from "./step.ts";

export type RdtPlan = {
  /** By the parent before `clone`. */
  readonly make: readonly Step[];
  /** By init, as it joins its cgroups. */
  readonly join: readonly Step[];
  readonly problems: readonly string[];
};

/** The groups of a container, as directories. */
export type RdtGroups = {
  /** Those that its processes are in. */
  readonly joined: readonly string[];
  /** Those that were made for it alone, and go with it; the inner one first. */
  readonly own: readonly string[];
};

const groupOf = ({ closID }: LinuxIntelRdt, id: string, mount: string): string =>
  closID === "/" ? mount : `${mount}/${closID ?? id}`;

/** @param mount of resctrl; null: there is none */
export function rdtGroups(
  rdt: LinuxIntelRdt | undefined,
  id: string,
  mount: string | null,
): RdtGroups {
  if (rdt === undefined || mount === null) return { joined: [], own: [] };
  const group = groupOf(rdt, id, mount);
  const monitors = rdt.enableMonitoring === true ? [`${group}/mon_groups/${id}`] : [];
  return {
    joined: [group, ...monitors],
    own: [...monitors, ...(rdt.closID === undefined ? [group] : [])],
  };
}

/**
 * The steps that change the group of a container that runs. One with a name of its own may have other
 * users, and stays as it is.
 *
 * @returns the steps, or what stands against it
 */
export function planRdtUpdate(
  rdt: LinuxIntelRdt | undefined,
  id: string,
  mount: string | null,
  change: LinuxIntelRdt,
): Step[] | string {
  const lines = olderLines(change);
  if (lines.length === 0) return [];
  if (rdt === undefined || mount === null) {
    return "the container has no RDT group: create it with linux.intelRdt";
  }
  if (rdt.closID !== undefined) {
    return `its RDT group is ${groupOf(rdt, id, mount)}, which others may use too: write to its schemata`;
  }
  const at = onHost(`${groupOf(rdt, id, mount)}/schemata`);
  return [byParent(write(at, `${lines.join("\n")}\n`), "update")];
}

const nothing: RdtPlan = { make: [], join: [], problems: [] };

/** The lines of the two older fields; of bandwidth the field of that name has the last word. */
function olderLines({ l3CacheSchema = "", memBwSchema }: LinuxIntelRdt): string[] {
  const lines = l3CacheSchema.split("\n").filter((line) => line.trim() !== "");
  if (memBwSchema === undefined) return lines;
  return [...lines.filter((line) => !line.startsWith("MB:")), memBwSchema];
}

/** `L3:0=0f;1=f` as the kernel might have written it: sorted, without spaces and leading zeros. */
function normal(line: string): string {
  const [kind = "", domains = ""] = line.replaceAll(/\s/g, "").split(":");
  const parts = domains.split(";").map((part) => part.replace(/=0+(?=[\da-f])/i, "="));
  return `${kind}:${parts.sort().join(";").toLowerCase()}`;
}

/** The lines that the group's `schemata` does not have. */
function missingLines(lines: readonly string[], schemata: string): string[] {
  const there = new Set(schemata.split("\n").map(normal));
  return lines.filter((line) => !there.has(normal(line)));
}

function joinGroup(path: string, name: string, why: string): { make: Step[]; join: Step[] } {
  const tasks = onHost(`${path}/tasks`);
  return {
    make: [byParent({ op: "open", at: tasks, flags: ["write"], into: name }, why)],
    join: [byInit(write(slot(name), "0"), why)],
  };
}

/**
 * The steps for a container. A group of its own goes with it; one with a name of its own may have
 * other users, and stays (config-linux.md, IntelRdt).
 */
export function planIntelRdt(
  rdt: LinuxIntelRdt | undefined,
  id: string,
  { resctrl }: Facts,
): RdtPlan {
  if (rdt === undefined) return nothing;
  const why = "linux.intelRdt";
  if (resctrl === undefined || resctrl === null) {
    const problem = `${why}: no file system of type resctrl is mounted: mount it on /sys/fs/resctrl, or leave the field out`;
    return { ...nothing, problems: [problem] };
  }
  const { closID, schemata: ownLines = [], enableMonitoring } = rdt;
  const path = groupOf(rdt, id, resctrl.mount);
  const older = olderLines(rdt);
  const asksNothing = older.length + ownLines.length === 0;
  const problems: string[] = [];
  const make: Step[] = [];
  const there = resctrl.schemata;
  if (there !== null) {
    const missing = missingLines(older, there);
    if (missing.length > 0) {
      problems.push(
        `${why}: ${path} is there already and says otherwise than ${JSON.stringify(missing.join("\n"))}: use another closID`,
      );
    }
  } else if (closID !== undefined && asksNothing) {
    problems.push(
      `${why}.closID: expected a group of resctrl, received ${path}, which is not there`,
    );
  } else {
    const undo = { op: "remove_cgroup", at: onHost(path) } as const;
    make.push(byParent(mkdir(onHost(path), 0o755), why, closID === undefined ? undo : undefined));
  }
  const lines = there === null ? [older, ownLines] : [ownLines];
  for (const each of lines.filter(({ length }) => length > 0)) {
    make.push(byParent(write(onHost(`${path}/schemata`), `${each.join("\n")}\n`), why));
  }
  const group = joinGroup(path, "rdt", why);
  if (enableMonitoring !== true) {
    return { make: [...make, ...group.make], join: group.join, problems };
  }
  const monitor = `${path}/mon_groups/${id}`;
  const undo = { op: "remove_cgroup", at: onHost(monitor) } as const;
  const monitored = joinGroup(monitor, "rdt.monitor", `${why}.enableMonitoring`);
  return {
    make: [
      ...make,
      ...group.make,
      byParent(mkdir(onHost(monitor), 0o755), `${why}.enableMonitoring`, undo),
      ...monitored.make,
    ],
    join: [...group.join, ...monitored.join],
    problems,
  };
}
