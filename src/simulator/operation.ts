/** The operations of the simulator: system calls on mounts, as a closed union of plain data. */

import type { ProcessId } from "./state.ts";

/**
 * A path. A string is looked up as the kernel does, from the process's root or working directory.
 * With `at`, it is looked up below that descriptor as if that were `/` (openat2's RESOLVE_IN_ROOT);
 * an empty path is the descriptor itself.
 */
export type Where = string | { readonly at: string; readonly path: string };

/** Attributes of one mount, as in mount_setattr(2). */
export type Attribute =
  | "ro"
  | "nosuid"
  | "nodev"
  | "noexec"
  | "nosymfollow"
  | "nodiratime"
  | "noatime"
  | "strictatime"
  | "relatime";

export type Propagation = "shared" | "slave" | "private" | "unbindable";

export type NamespaceKind = "mount" | "user";

type By<T> = T & {
  /** Who makes the call. */
  readonly by: ProcessId;
};

export type Operation = By<
  /** mount(2) of a new file system. */
  | {
      readonly op: "mount";
      readonly type: string;
      readonly source: string;
      readonly target: Where;
      readonly attributes: readonly Attribute[];
      /** The file system's own options. */
      readonly options: readonly string[];
    }
  /** mount(2) with MS_BIND. */
  | {
      readonly op: "bind";
      readonly source: Where;
      readonly target: Where;
      readonly recursive: boolean;
    }
  /** mount(2) with MS_MOVE. */
  | { readonly op: "move"; readonly source: Where; readonly target: Where }
  /** umount2(2). */
  | {
      readonly op: "umount";
      readonly target: Where;
      readonly flags: readonly ("detach" | "force" | "nofollow")[];
    }
  /** mount(2) with MS_SHARED, MS_SLAVE, MS_PRIVATE or MS_UNBINDABLE. */
  | {
      readonly op: "propagation";
      readonly target: Where;
      readonly type: Propagation;
      readonly recursive: boolean;
    }
  /**
   * mount(2) with MS_REMOUNT: all flags of the mount are replaced. With `bind` only the mount's,
   * else the superblock's `ro` too.
   */
  | {
      readonly op: "remount";
      readonly target: Where;
      readonly attributes: readonly Attribute[];
      readonly bind: boolean;
    }
  | { readonly op: "pivot_root"; readonly newRoot: Where; readonly putOld: Where }
  | { readonly op: "chroot"; readonly path: Where }
  | { readonly op: "chdir"; readonly path: Where }
  | { readonly op: "mkdir"; readonly path: Where; readonly parents?: boolean }
  /** Makes an empty file. */
  | { readonly op: "touch"; readonly path: Where }
  | { readonly op: "symlink"; readonly path: Where; readonly to: string }
  | { readonly op: "rmdir"; readonly path: Where }
  | { readonly op: "unlink"; readonly path: Where }
  /** fork(2): `child` is the new process's number. */
  | { readonly op: "fork"; readonly child: ProcessId }
  | { readonly op: "exit" }
  /** unshare(2); with both, the mount namespace is owned by the new user namespace. */
  | { readonly op: "unshare"; readonly namespaces: readonly NamespaceKind[] }
  /** setns(2) with a pidfd: enters the namespaces of another process. */
  | {
      readonly op: "setns";
      readonly process: ProcessId;
      readonly namespaces: readonly NamespaceKind[];
    }
  /** open(2) with O_PATH. */
  | { readonly op: "open"; readonly path: Where; readonly into: string }
  | { readonly op: "close"; readonly slot: string }
  /** open_tree(2) with OPEN_TREE_CLONE: a detached copy. */
  | {
      readonly op: "open_tree";
      readonly path: Where;
      readonly recursive: boolean;
      readonly into: string;
    }
  /** fsopen(2), fsconfig(2), fsmount(2): a detached new file system. */
  | {
      readonly op: "fsmount";
      readonly type: string;
      readonly source: string;
      readonly attributes: readonly Attribute[];
      readonly options: readonly string[];
      readonly into: string;
    }
  | {
      readonly op: "move_mount";
      readonly from: Where;
      readonly to: Where;
      /** MOVE_MOUNT_BENEATH: below what is mounted there, not on top of it. */
      readonly beneath?: boolean;
    }
  | {
      readonly op: "mount_setattr";
      readonly path: Where;
      readonly set: readonly Attribute[];
      /** `noatime`, `relatime` and `strictatime` are replaced by what is set. */
      readonly clear: readonly Attribute[];
      readonly propagation: Propagation | null;
      readonly recursive: boolean;
    }
>;

export type OperationName = Operation["op"];
