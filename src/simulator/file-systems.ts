/** Types of file systems, as far as mounting one differs from mounting another. */

import type { Draft } from "./draft.ts";
import type { Attribute } from "./operation.ts";
import { refuse } from "./outcome.ts";
import { capable } from "./rights.ts";
import type { Mount, Process, Superblock } from "./state.ts";
import { dentryPath } from "./tree.ts";

type FileSystem = {
  /** Who is root of a user namespace may mount it there (FS_USERNS_MOUNT). */
  readonly user?: true;
  /** There is one of it, or one for each set of options: every mount shows the same. */
  readonly single?: true | "by options";
  /** A new one must not show more than an old one does (SB_I_USERNS_VISIBLE). */
  readonly visible?: true;
};

const fileSystems: Readonly<Record<string, FileSystem>> = {
  tmpfs: { user: true },
  ramfs: { user: true },
  proc: { user: true, visible: true },
  sysfs: { user: true, visible: true, single: true },
  devpts: { user: true },
  mqueue: { user: true, single: true },
  cgroup: { user: true, single: "by options" },
  cgroup2: { user: true, single: true },
  overlay: { user: true },
  bpf: { user: true },
  fuse: { user: true },
  binfmt_misc: { user: true },
  devtmpfs: { single: true },
  debugfs: { single: true },
  tracefs: { single: true },
  securityfs: { single: true },
  configfs: { single: true },
  efivarfs: { single: true },
  pstore: { single: true },
  hugetlbfs: {},
  autofs: {},
  nfs: {},
  nfs4: {},
  "9p": {},
  virtiofs: {},
  ext2: {},
  ext3: {},
  ext4: {},
  xfs: {},
  btrfs: {},
  erofs: {},
  squashfs: {},
  iso9660: {},
  vfat: {},
};

/**
 * Directories that the kernel made to be mounted on, and that are empty for good: who covers one hides
 * nothing. sysfs_create_mount_point, proc_create_mount_point and register_sysctl_mount_point.
 */
const emptyForGood: Readonly<Record<string, ReadonlySet<string>>> = {
  sysfs: new Set(
    (
      "/firmware/efi/efivars /fs/bpf /fs/cgroup /fs/fuse/connections /fs/pstore /fs/resctrl " +
      "/fs/selinux /fs/smackfs /kernel/config /kernel/debug /kernel/security /kernel/tracing"
    ).split(" "),
  ),
  proc: new Set(["/fs/nfsd", "/openprom", "/sys/fs/binfmt_misc"]),
};

function hidesSomething(draft: Draft, child: Mount, type: string): boolean {
  if (!child.locks.place || child.mountpoint === null) return false;
  return emptyForGood[type]?.has(dentryPath(draft, child.mountpoint)) !== true;
}

/** Is nothing of it covered by a locked mount? mnt_already_visible in fs/namespace.c. */
function isFullyVisible(draft: Draft, mount: Mount, attributes: readonly Attribute[]): boolean {
  const { root, type } = draft.superblock(mount.superblock);
  if (root !== mount.root) return false;
  if (mount.locks.ro && !attributes.includes("ro")) return false;
  return draft.childrenOf(mount.id).every((child) => !hidesSomething(draft, child, type));
}

/**
 * The superblock for a new mount: a new one, or the one that there is.
 * @throws Refused with ENODEV or EPERM. do_new_mount, mount_capable and mount_too_revealing.
 */
export function superblockFor(
  draft: Draft,
  process: Process,
  type: string,
  options: readonly string[],
  attributes: readonly Attribute[],
  readonly: boolean,
): Superblock {
  const known = fileSystems[type];
  if (known === undefined) {
    refuse(
      "ENODEV",
      `The kernel has no file system ${type}.`,
      "Name one that /proc/filesystems lists, such as tmpfs.",
    );
  }
  const user = known.user === true ? process.userNamespace : 0;
  if (!capable(draft, process, user)) {
    refuse(
      "EPERM",
      `A file system of type ${type} cannot be mounted in a user namespace.`,
      "Have it mounted by the host, and bind it.",
    );
  }
  const namespace = draft.namespace(process.namespace);
  if (known.visible === true && namespace.owner !== 0) {
    const old = draft.mounts.filter(
      (mount) =>
        mount.namespace === process.namespace && draft.superblock(mount.superblock).type === type,
    );
    if (!old.some((mount) => isFullyVisible(draft, mount, attributes))) {
      refuse(
        "EPERM",
        `A new ${type} would show more than the ones that this mount namespace has got.`,
        `Mount it where an uncovered ${type} is there already, or bind that one.`,
      );
    }
  }
  const shown = options.join(",");
  if (known.single !== undefined) {
    const old = draft.superblocks.find(
      (each) => each.type === type && (known.single === true || each.options === shown),
    );
    if (old !== undefined) return old;
  }
  return draft.addSuperblock({ type, options: shown, readonly, userNamespace: user });
}
