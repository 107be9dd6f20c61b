/** The flags of a mount: made from attributes, changed, compared with what is locked. */

import type { Attribute } from "./operation.ts";
import type { Locks, MountFlags } from "./state.ts";

export const noFlags: MountFlags = {
  ro: false,
  nosuid: false,
  nodev: false,
  noexec: false,
  nosymfollow: false,
  nodiratime: false,
  atime: "relatime",
};

export const noLocks: Locks = {
  place: false,
  ro: false,
  nosuid: false,
  nodev: false,
  noexec: false,
  atime: false,
};

const isAtime = (attribute: Attribute): attribute is MountFlags["atime"] =>
  attribute === "noatime" || attribute === "relatime" || attribute === "strictatime";

/** `flags` with attributes added. */
export function withAttributes(flags: MountFlags, attributes: readonly Attribute[]): MountFlags {
  return attributes.reduce<MountFlags>(
    (sum, attribute) =>
      isAtime(attribute) ? { ...sum, atime: attribute } : { ...sum, [attribute]: true },
    flags,
  );
}

/** The flags that a mount gets by mount(2): what is not named is not set. path_mount. */
export const flagsFrom = (attributes: readonly Attribute[]): MountFlags =>
  withAttributes(noFlags, attributes);

/**
 * The flags after MS_REMOUNT: what is not named is taken away, but for the access times, which stay
 * as they are unless one of their flags is named. path_mount.
 */
export function remountedFlags(old: MountFlags, attributes: readonly Attribute[]): MountFlags {
  const named = attributes.some((a) => isAtime(a) || a === "nodiratime");
  const flags = flagsFrom(attributes);
  return named ? flags : { ...flags, atime: old.atime, nodiratime: old.nodiratime };
}

/** The flags after mount_setattr(2). recalc_flags. */
export function changedFlags(
  old: MountFlags,
  set: readonly Attribute[],
  clear: readonly Attribute[],
): MountFlags {
  const cleared = clear.reduce<MountFlags>(
    (sum, attribute) =>
      isAtime(attribute) ? { ...sum, atime: "relatime" } : { ...sum, [attribute]: false },
    old,
  );
  return withAttributes(cleared, set);
}

/** May a mount with these locks go from one set of flags to another? can_change_locked_flags. */
export function mayChange(locks: Locks, from: MountFlags, to: MountFlags): boolean {
  if (locks.ro && !to.ro) return false;
  if (locks.nodev && !to.nodev) return false;
  if (locks.nosuid && !to.nosuid) return false;
  if (locks.noexec && !to.noexec) return false;
  return !locks.atime || (from.atime === to.atime && from.nodiratime === to.nodiratime);
}

/** The locks that a mount's flags get on the way into a less privileged namespace. */
export const lockedFlags = (flags: MountFlags, old: Locks, place: boolean): Locks => ({
  place,
  ro: old.ro || flags.ro,
  nosuid: old.nosuid || flags.nosuid,
  nodev: old.nodev || flags.nodev,
  noexec: old.noexec || flags.noexec,
  atime: true,
});

/** As mountinfo shows them: `rw,nosuid,relatime`. show_mnt_opts in fs/proc_namespace.c. */
export function showFlags(flags: MountFlags): string {
  return [
    flags.ro ? "ro" : "rw",
    flags.nosuid && "nosuid",
    flags.nodev && "nodev",
    flags.noexec && "noexec",
    flags.atime === "noatime" && "noatime",
    flags.nodiratime && "nodiratime",
    flags.atime === "relatime" && "relatime",
    flags.nosymfollow && "nosymfollow",
  ]
    .filter((word) => word !== false)
    .join(",");
}
