/** What is seen of a process and of the host beside it: plain data, for the checks. */

import type { Capability, Namespace } from "../plan/constants.ts";
import type { MountinfoRow } from "../simulator/mountinfo.ts";
import type { MountTable } from "./mount-table.ts";

export type NamespaceSeen = {
  readonly type: Namespace;
  /** Whether it is the one of the machine's first process. */
  readonly shared: boolean;
};

/** A line of uid_map(5), with ids outside as the reader has them. */
export type IdRange = { readonly inside: number; readonly outside: number; readonly count: number };

export type CapabilitySets = Readonly<
  Record<"inheritable" | "permitted" | "effective" | "bounding" | "ambient", readonly Capability[]>
>;

export type Descriptor = {
  readonly number: number;
  /** As the link says it, with the reader's names. */
  readonly target: string;
  readonly mount: number;
  /** Null: unknown, since to ask would mean to ask a file system that is not known. */
  readonly directory: boolean | null;
  readonly writable: boolean;
};

export type Node = {
  readonly path: string;
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
};

/** `c 1:3 rwm`, a star for any number. */
export type DeviceRule = {
  readonly type: "a" | "b" | "c";
  readonly major: number | "*";
  readonly minor: number | "*";
  readonly access: string;
};

export type Limits = {
  /** Bytes; null: none. */
  readonly memory: bigint | null;
  readonly pids: bigint | null;
  /** In CPUs. */
  readonly cpus: number | null;
};

/** A file system that a root covers. */
export type Beneath = {
  /** `major:minor` of the file system. */
  readonly device: string;
  readonly type: string;
};

export type Root = {
  /** It is the directory that the host has as `/`. */
  readonly isHost: boolean;
  /** It is no root of a mount namespace: chroot(2) was all. */
  readonly isChroot: boolean;
  /** It lies on a mount that is in no mount namespace: no table tells what is mounted in it. */
  readonly isNowhere: boolean;
  readonly readonly: boolean;
  /** What it covers, the nearest first; null: the kernel does not say. */
  readonly beneath: readonly Beneath[] | null;
};

export type Seen = {
  readonly pid: number;
  /** The program's name, as the process has it. */
  readonly name: string;
  /** Effective, as the reader has it. */
  readonly uid: number;
  readonly namespaces: readonly NamespaceSeen[];
  readonly uids: readonly IdRange[];
  readonly capabilities: CapabilitySets;
  /** proc_pid_status(5): 0 none, 1 strict, 2 filter. */
  readonly seccomp: number;
  readonly noNewPrivs: boolean;
  /** Whether others of its user may trace it; null: of root's processes that cannot be seen. */
  readonly isDumpable: boolean | null;
  /** Of a security module; null: the machine has none in force. */
  readonly label: string | null;
  readonly root: Root;
  readonly mounts: MountTable;
  /** The same, row by row; null where it was too long to be read to its end. */
  readonly table: readonly MountinfoRow[] | null;
  /** The table was longer than what is read of it. */
  readonly isCut: boolean;
  readonly descriptors: readonly Descriptor[];
  readonly workingDirectory: { readonly target: string; readonly mount: number } | null;
  readonly nodes: readonly Node[];
  /** Null: they are in a program of the kernel's, which nobody can read. */
  readonly devices: readonly DeviceRule[] | null;
  readonly limits: Limits;
};

export type HostSeen = {
  /** The process that stands for it: 1, or the reader's own. */
  readonly pid: number;
  readonly mounts: MountTable;
  /** Of paths that are hidden usually, those that there are here. */
  readonly sensitive: readonly string[];
};

/** What a process can do on the host when it reaches something there. */
export type Power = {
  /** Its user namespace is the host's. */
  readonly isInitial: boolean;
  /** It is the host's root as far as files go. */
  readonly isRoot: boolean;
  /** Of its capabilities, whether one counts outside. */
  readonly has: (capability: Capability) => boolean;
};

export const isShared = ({ namespaces }: Seen, type: Namespace): boolean =>
  namespaces.some((each) => each.type === type && each.shared);

export function powerOf(seen: Seen): Power {
  const isInitial = isShared(seen, "user");
  return {
    isInitial,
    isRoot: seen.uid === 0,
    has: (capability) => isInitial && seen.capabilities.effective.includes(capability),
  };
}
