/**
 * What the planner is told about the machine. Gathered by `host/` before planning, so that the
 * planner itself asks nobody and its answer can be repeated anywhere.
 */

import type { Capability } from "../plan/constants.ts";

export type Facts = {
  /** The effective user and group of the caller. */
  readonly uid: number;
  readonly gid: number;
  /** Major and minor version of the running kernel. */
  readonly kernel: readonly [major: number, minor: number];
  readonly arch: "x86_64" | "aarch64";
  /** What the caller's bounding set holds: nobody inside can get more. */
  readonly capabilities: readonly Capability[];
  readonly cgroups: CgroupLayout;
  /** The user namespace that the caller is root of; absent: the machine's own. */
  readonly userNamespace?: UserNamespaceFacts;
  /** Whether these security modules are in force; absent: nobody asked. */
  readonly apparmor?: boolean;
  readonly selinux?: boolean;
  /** Absent: nobody asked; null: it is not mounted. */
  readonly resctrl?: ResctrlFacts | null;
  /** What the caller's standard streams are. */
  readonly streams: readonly [StreamFact, StreamFact, StreamFact];
};

/** The ids that there are; of the host's, those above are meant (user_namespaces(7)). */
export type UserNamespaceFacts = {
  readonly uid: readonly IdMapping[];
  readonly gid: readonly IdMapping[];
  /** Whether setgroups(2) is allowed. */
  readonly setgroups: boolean;
};

export type IdMapping = {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
};

/** The file system of Intel's RDT, and what the container's group there says, if it is there. */
export type ResctrlFacts = {
  readonly mount: string;
  readonly schemata: string | null;
};

/** `null` is the null device, `device` any other; Node and Bun make sockets where others make pipes. */
export type StreamFact = "terminal" | "pipe" | "socket" | "file" | "null" | "device" | "closed";

/** Where cgroups are mounted, and where the caller is in them. */
export type CgroupLayout = {
  /** `hybrid`: controllers in v1 hierarchies, and a v2 hierarchy besides. */
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  /** The v1 hierarchies in the order of their mounts; a named one has the controller `name=…`. */
  readonly v1: readonly CgroupV1[];
  readonly v2: CgroupV2 | null;
};

export type CgroupV1 = {
  readonly controllers: readonly string[];
  /** The mount point, such as `/sys/fs/cgroup/memory`. */
  readonly mount: string;
  /** The caller's own cgroup, from the hierarchy's root: `/`, `/user.slice`. */
  readonly own: string;
};

export type CgroupV2 = {
  readonly mount: string;
  readonly own: string;
  /** `cgroup.controllers` of the mount point: what may be switched on below it. */
  readonly controllers: readonly string[];
  /** `cgroup.subtree_control` of the mount point: what is on. */
  readonly enabled: readonly string[];
  /** How the hierarchy is mounted: nsdelegate, memory_recursiveprot and their kin; cgroup_namespaces(7). */
  readonly options: readonly string[];
};
