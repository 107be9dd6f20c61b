/**
 * Cgroups of who is no root of the machine: the part of the version 2 hierarchy that somebody has
 * delegated to them, and which of the limits that were asked for can be kept there.
 */

import { locateV2 } from "../cgroup/mod.ts";
import { read } from "../host/cgroups.ts";
import { isWritable } from "../host/writable.ts";
import type { CgroupLayout, CgroupV2 } from "../planner/facts.ts";
import type { LinuxResources } from "../spec/mod.ts";

/**
 * The hierarchy as its delegatee has it, or null. A new cgroup lies beside the caller's own; to put a
 * process there takes the right to write to `cgroup.procs` of what is above both (cgroups(7),
 * "Delegation containment").
 */
function delegatedPart({ v2 }: CgroupLayout, name: string, keeper?: string): CgroupV2 | null {
  if (v2 === null) return null;
  const base = keeper === undefined ? locateV2(v2, name).base : v2.mount + keeper;
  if (!["", "/cgroup.procs", "/cgroup.subtree_control"].every((file) => isWritable(base + file))) {
    return null;
  }
  const controllers = (read(`${base}/cgroup.controllers`) ?? "").split(/\s+/).filter(Boolean);
  return { ...v2, controllers, enabled: [] };
}

/** The controllers of version 2 that keep the limits of each kind. */
const keepers: Readonly<Record<keyof LinuxResources, string>> = {
  devices: "",
  memory: "memory",
  cpu: "cpu",
  pids: "pids",
  blockIO: "io",
  hugepageLimits: "hugetlb",
  network: "",
  rdma: "rdma",
  unified: "",
};

/** As people know them. */
const kinds: Readonly<Record<keyof LinuxResources, string>> = {
  devices: "devices",
  memory: "memory",
  cpu: "cpu",
  pids: "pids",
  blockIO: "blkio",
  hugepageLimits: "hugetlb",
  network: "network",
  rdma: "rdma",
  unified: "unified",
};

function isKept(
  kind: keyof LinuxResources,
  resources: LinuxResources,
  controllers: readonly string[],
): boolean {
  if (kind === "unified") {
    return Object.keys(resources.unified ?? {}).every((file) =>
      controllers.includes(file.slice(0, file.indexOf("."))),
    );
  }
  const { cpus, mems, ...time } = resources.cpu ?? {};
  const isCpuset = cpus !== undefined || mems !== undefined;
  if (kind === "cpu" && isCpuset) {
    const needed = Object.keys(time).length > 0 ? ["cpu", "cpuset"] : ["cpuset"];
    return needed.every((controller) => controllers.includes(controller));
  }
  return controllers.includes(keepers[kind]);
}

const list = (words: readonly string[]): string =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

export type Delegated = {
  /** What is left of the machine's cgroups. */
  readonly layout: CgroupLayout;
  readonly resources: LinuxResources | undefined;
  /** One at most: none when nothing was asked for. */
  readonly warnings: readonly string[];
};

/**
 * Of the limits that were asked for, those that can be kept; the others are named in one line.
 *
 * @param isTold whether one that is lost is worth a word; all are unless given
 * @param keeper the cgroup, from the mounts, of a manager of the user's that puts the process there itself
 */
export function delegated(
  layout: CgroupLayout,
  name: string,
  resources: LinuxResources | undefined,
  isTold: (kind: keyof LinuxResources) => boolean = () => true,
  keeper?: string,
): Delegated {
  const part = delegatedPart(layout, name, keeper);
  const controllers = part?.controllers ?? [];
  const asked = Object.keys(resources ?? {}) as (keyof LinuxResources)[];
  const kept = asked.filter((kind) => isKept(kind, resources ?? {}, controllers));
  const lost = asked.filter((kind) => !kept.includes(kind) && isTold(kind));
  const own: CgroupLayout =
    part === null ? { mode: "none", v1: [], v2: null } : { mode: "v2", v1: [], v2: part };
  return {
    layout: own,
    resources:
      kept.length === 0
        ? undefined
        : Object.fromEntries(kept.map((kind) => [kind, resources?.[kind]])),
    warnings: lost.length === 0 ? [] : [notInForce(lost, part, layout)],
  };
}

function notInForce(
  lost: readonly (keyof LinuxResources)[],
  part: CgroupV2 | null,
  { mode }: CgroupLayout,
): string {
  const which = list(lost.map((kind) => kinds[kind]));
  const why =
    mode === "v2" && part === null
      ? "no cgroup is delegated to this user: start it by `systemd-run --user --scope -p Delegate=yes`"
      : mode === "v2"
        ? "this user's part of the cgroups lacks their controllers: see Delegate= in systemd.resource-control(5)"
        : "cgroups of version 1 are root's alone";
  return `not in force: limits of ${which}; ${why}`;
}
