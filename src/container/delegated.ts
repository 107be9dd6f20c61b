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

/** What of a limit can be kept by these controllers; undefined: nothing. */
function kept<K extends keyof LinuxResources>(
  kind: K,
  resources: LinuxResources,
  controllers: readonly string[],
): LinuxResources[K] | undefined {
  const has = (name: string) => controllers.includes(name);
  if (kind === "unified") {
    const files = Object.keys(resources.unified ?? {});
    return files.every((file) => has(file.slice(0, file.indexOf("."))))
      ? resources[kind]
      : undefined;
  }
  if (kind === "cpu") {
    // Which CPUs, and how much of them, are two controllers: systemd delegates the latter alone.
    const { cpus, mems, ...time } = resources.cpu ?? {};
    const left = {
      ...(has("cpu") ? time : {}),
      ...(has("cpuset") && cpus !== undefined ? { cpus } : {}),
      ...(has("cpuset") && mems !== undefined ? { mems } : {}),
    };
    return Object.keys(left).length === 0 ? undefined : (left as LinuxResources[K]);
  }
  return has(keepers[kind]) ? resources[kind] : undefined;
}

/** What people call that which is lost of a limit, if anything is. */
function lostOf(
  kind: keyof LinuxResources,
  resources: LinuxResources,
  left: LinuxResources[keyof LinuxResources],
): string[] {
  if (kind !== "cpu") return left === undefined ? [kinds[kind]] : [];
  const { cpus, mems, ...time } = resources.cpu ?? {};
  const has = (name: string) => left !== undefined && name in left;
  const isTimeLost = Object.keys(time).some((name) => !has(name));
  const isSetLost = (cpus !== undefined && !has("cpus")) || (mems !== undefined && !has("mems"));
  return [...(isTimeLost ? ["cpu"] : []), ...(isSetLost ? ["cpuset"] : [])];
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
  const left = asked.map((kind) => [kind, kept(kind, resources ?? {}, controllers)] as const);
  const lost = left.flatMap(([kind, value]) =>
    isTold(kind) ? lostOf(kind, resources ?? {}, value) : [],
  );
  const still = left.filter(([, value]) => value !== undefined);
  const own: CgroupLayout =
    part === null ? { mode: "none", v1: [], v2: null } : { mode: "v2", v1: [], v2: part };
  return {
    layout: own,
    resources: still.length === 0 ? undefined : Object.fromEntries(still),
    warnings: lost.length === 0 ? [] : [notInForce(lost, part, layout)],
  };
}

/**
 * Whether this process may not go to a cgroup that is its user's: to put a process there takes the
 * right to write to `cgroup.procs` of the nearest cgroup above both.
 */
export function isOutside({ v2 }: CgroupLayout, directory: string): boolean {
  // An own cgroup above the namespace's root is seen as `/..`, and says nothing.
  if (v2 === null || v2.own.includes("/..") || !directory.startsWith(`${v2.mount}/`)) return false;
  const theirs = directory.slice(v2.mount.length + 1).split("/");
  const own = v2.own.split("/").slice(1);
  const shared = own.findIndex((name, i) => name !== theirs[i]);
  const above = ["", ...own.slice(0, shared < 0 ? own.length : shared)].join("/");
  return !isWritable(`${v2.mount}${above === "/" ? "" : above}/cgroup.procs`);
}

/** What to do: systemd puts a command where others of the user may be put beside it. */
export const scopeCure = "start it by `systemd-run --user --scope`";

function notInForce(
  lost: readonly string[],
  part: CgroupV2 | null,
  { mode }: CgroupLayout,
): string {
  const which = list(lost);
  const why =
    mode === "v2" && part === null
      ? "no cgroup is delegated to this user: have a systemd of theirs run (`loginctl enable-linger`), or start it by `systemd-run --user --scope -p Delegate=yes`"
      : mode === "v2"
        ? "this user's part of the cgroups lacks their controllers: see Delegate= in systemd.resource-control(5)"
        : "cgroups of version 1 are root's alone";
  return `not in force: limits of ${which}; ${why}`;
}
