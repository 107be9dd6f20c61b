/**
 * What the kernel keeps of mounts, as plain data: superblocks with their dentries, mounts, mount
 * namespaces, user namespaces and processes. A state is never changed; `apply` makes the next one,
 * which shares with it whatever did not change. Source: struct mount and struct mnt_namespace in
 * fs/mount.h of Linux 6.18.
 */

import type { Profile } from "./profile.ts";

export type MountId = number;
export type DentryId = number;
export type SuperblockId = number;
export type NamespaceId = number;
export type UserNamespaceId = number;
export type GroupId = number;
/** The number by which a process is known. */
export type ProcessId = number;

/** A name in a file system's tree. Ids are unique over all superblocks. */
export type Dentry = {
  readonly parent: DentryId | null;
  readonly name: string;
  readonly kind: "directory" | "file" | "link";
  /** What a symbolic link says. */
  readonly target?: string;
  /** It has been unlinked: no name leads to it, but it may be a working directory still. */
  readonly removed?: true;
};

/** A mounted file system, with as much of its tree as has been asked for. */
export type Superblock = {
  readonly id: SuperblockId;
  readonly type: string;
  /** `major:minor`, as mountinfo shows it. */
  readonly device: string;
  readonly readonly: boolean;
  /** The file system's own options, as mountinfo shows them behind `rw` or `ro`. */
  readonly options: string;
  readonly userNamespace: UserNamespaceId;
  readonly root: DentryId;
  readonly dentries: Readonly<Record<DentryId, Dentry>>;
  /** Names below it that nobody told of are taken to be directories: a tree seen from mountinfo. */
  readonly open?: true;
};

/** The flags of one mount, as mount_setattr(2) names them. */
export type MountFlags = {
  readonly ro: boolean;
  readonly nosuid: boolean;
  readonly nodev: boolean;
  readonly noexec: boolean;
  readonly nosymfollow: boolean;
  readonly nodiratime: boolean;
  readonly atime: "relatime" | "noatime" | "strictatime";
};

/** What a less privileged mount namespace may not undo: mount_namespaces(7), "Restrictions". */
export type Locks = {
  /** MNT_LOCKED: it stays where it is, since it may hide something. */
  readonly place: boolean;
  readonly ro: boolean;
  readonly nosuid: boolean;
  readonly nodev: boolean;
  readonly noexec: boolean;
  readonly atime: boolean;
};

export type Mount = {
  readonly id: MountId;
  /** The mount that it is attached to; null: the root of a namespace, or attached to nothing. */
  readonly parent: MountId | null;
  /** Where in the parent's file system; null when there is no parent. */
  readonly mountpoint: DentryId | null;
  /** The directory or file of the superblock that it shows. */
  readonly root: DentryId;
  readonly superblock: SuperblockId;
  /** What mountinfo shows as its source. */
  readonly source: string;
  readonly flags: MountFlags;
  readonly locks: Locks;
  /** The peer group that it is a member of; null: not shared. */
  readonly group: GroupId | null;
  /** The peer group that it gets mounts from; null: no slave. All peers of a group have the same. */
  readonly master: GroupId | null;
  readonly unbindable: boolean;
  /** null: it has been unmounted, and somebody still uses it. */
  readonly namespace: NamespaceId | null;
};

export type MountNamespace = {
  readonly id: NamespaceId;
  readonly owner: UserNamespaceId;
  readonly root: MountId;
  /** Holds a detached tree (open_tree, fsmount): no process is in it. */
  readonly anonymous: boolean;
  /** The namespace that an anonymous one was copied from; null: of none, or not anonymous. */
  readonly origin: NamespaceId | null;
};

export type UserNamespace = { readonly parent: UserNamespaceId | null };

/** A place: a directory or file, as seen through a mount. */
export type Path = { readonly mount: MountId; readonly dentry: DentryId };

/** An open file that keeps a place. */
export type Descriptor = Path & {
  /** It was made by open_tree(OPEN_TREE_CLONE) or fsmount: closing it dissolves the tree. */
  readonly detached: boolean;
};

export const simulatedCapabilities = ["CAP_SYS_ADMIN", "CAP_SYS_CHROOT"] as const;
export type SimulatedCapability = (typeof simulatedCapabilities)[number];

export type Process = {
  readonly id: ProcessId;
  readonly root: Path;
  readonly cwd: Path;
  readonly namespace: NamespaceId;
  readonly userNamespace: UserNamespaceId;
  /** In its own user namespace, and so in those below it. */
  readonly capabilities: readonly SimulatedCapability[];
  readonly descriptors: Readonly<Record<string, Descriptor>>;
};

export type State = {
  readonly kernel: Profile;
  readonly superblocks: Readonly<Record<SuperblockId, Superblock>>;
  readonly mounts: Readonly<Record<MountId, Mount>>;
  readonly namespaces: Readonly<Record<NamespaceId, MountNamespace>>;
  readonly userNamespaces: Readonly<Record<UserNamespaceId, UserNamespace>>;
  readonly processes: Readonly<Record<ProcessId, Process>>;
  /** The next free number of each kind: none is given twice. */
  readonly next: {
    readonly mount: MountId;
    readonly dentry: DentryId;
    readonly superblock: SuperblockId;
    readonly group: GroupId;
    readonly namespace: NamespaceId;
    readonly userNamespace: UserNamespaceId;
  };
};
