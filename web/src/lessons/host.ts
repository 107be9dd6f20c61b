/** The machine that the lessons begin on. */

/** As systemd leaves it: a root, the kernel's file systems, and all of it shared. */
export const hostSetup: readonly string[] = [
  "host: mkdir -p /proc /sys /dev /etc /home /media /mnt /run /srv/box",
  "host: mount -t proc proc /proc",
  "host: mount -t sysfs sysfs /sys",
  "host: mount -t devtmpfs udev /dev",
  "host: mount --make-rshared /",
];

/** An image's root below /srv/box. */
export const boxRoot: readonly string[] = [
  "host: mkdir -p /srv/box/bin /srv/box/dev /srv/box/etc /srv/box/proc /srv/box/sys",
];

/** A box that has its root and nothing in it yet: the seven steps of the pivot_root lesson. */
export const pivoted: readonly string[] = [
  "box: unshare -m",
  "box: mount --bind /srv/box /srv/box",
  "box: mkdir /srv/box/old",
  "box: pivot_root /srv/box /srv/box/old",
  "box: cd /",
  "box: umount -l /old",
  "box: rmdir /old",
];
