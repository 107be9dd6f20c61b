// What is mounted into a container beside its root: the three kinds.

import type { MountOwners } from "./mount-owners.ts";

/** A number of bytes, operations or shares; one beyond 2^53 must be a bigint. */
export type Count = number | bigint;

/** What `mounts` takes: docker's `-v` and `--mount`. */
export type MountOption = BindMount | TmpfsMount | VolumeMount;

/** A directory or file of the host, shown in the container. */
export interface BindMount extends MountOwners {
  readonly type: "bind";
  /** Absolute. */
  readonly source: string;
  /** Absolute, in the container. */
  readonly target: string;
  readonly readonly?: boolean | undefined;
  /** What becomes of the mounts below the source; absent: `enabled`. */
  readonly recursive?: BindRecursion | undefined;
  /** How mounts travel between host and container from then on; absent: `rprivate`. */
  readonly propagation?: Propagation | undefined;
  /** The SELinux label that the source gets: of all containers, or of this one alone. */
  readonly relabel?: "shared" | "private" | undefined;
  /** Make a directory of a source that is not there, as `-v` does and `--mount` does not. */
  readonly createSource?: boolean | undefined;
}

/**
 * What becomes of the mounts below the source of a bind mount:
 * `enabled`: they come along, and are read-only with it where the kernel can do that;
 * `disabled`: they stay behind;
 * `writable`: they come along and stay writable in a read-only mount;
 * `readonly`: they come along read-only, or there is no container.
 */
export type BindRecursion = (typeof BIND_RECURSIONS)[number];

export const BIND_RECURSIONS = ["enabled", "disabled", "writable", "readonly"] as const;

/** mount_namespaces(7); with an `r`, for the mounts below too. */
export type Propagation = (typeof PROPAGATIONS)[number];

export const PROPAGATIONS = [
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
] as const;

/** An empty file system in memory; it has nosuid, nodev and noexec unless `options` say otherwise. */
export interface TmpfsMount {
  readonly type: "tmpfs";
  /** Absolute, in the container. */
  readonly target: string;
  readonly readonly?: boolean | undefined;
  /** Bytes; absent: half of the memory. */
  readonly size?: Count | undefined;
  /** Permissions of its root; absent: 0o1777. */
  readonly mode?: number | undefined;
  /** Further options of mount(8) and tmpfs(5), such as `exec` and `uid=1000`. */
  readonly options?: readonly string[] | undefined;
}

/** A directory that the engine keeps, under a name or, without one, for this container alone. */
export interface VolumeMount extends MountOwners {
  readonly type: "volume";
  /** Its name; absent: it is anonymous, and gets one by `settleVolumes`. */
  readonly source?: string | undefined;
  /** Its name was made up: it goes with the container that it was made for. */
  readonly anonymous?: boolean | undefined;
  /** Absolute, in the container. */
  readonly target: string;
  readonly readonly?: boolean | undefined;
  /** Do not fill a new volume with what the image has at the target. */
  readonly noCopy?: boolean | undefined;
  /** A directory of the volume to show in place of its root. */
  readonly subpath?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly driver?: string | undefined;
  readonly driverOptions?: Readonly<Record<string, string>> | undefined;
}

export function isPropagation(word: string): word is Propagation {
  return PROPAGATIONS.some((known) => known === word);
}

export function isBindRecursion(word: string): word is BindRecursion {
  return BIND_RECURSIONS.some((known) => known === word);
}

/** What is wrong with the name of a volume; null if nothing. */
export function volumeNameProblem(name: string): string | null {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name) && name.length <= 255) return null;
  if (/^[a-zA-Z0-9]$/.test(name)) {
    return `${name} is no name for a volume, which has two characters at least; a directory of the host is written as /path or ./path`;
  }
  return `${name} is no name for a volume, which has only [a-zA-Z0-9][a-zA-Z0-9_.-]+; a directory of the host is written as /path or ./path`;
}
