/**
 * Scripts and what comes of them: those of Documentation/filesystems/sharedsubtree.rst with its quiz,
 * and a pivot_root that fails at each of its checks. The real kernel is asked about the same ones.
 */

export type Scenario = {
  readonly name: string;
  readonly script: string;
  /** Lines that fail, by a part of the line: `EINVAL, part of the rule`. */
  readonly fails?: Readonly<Record<string, string>>;
  /** Places and propagation in the first process's mount table at the end. */
  readonly table?: readonly string[];
};

const files = "mkdir -p /mnt /tmp /new /bin";

export const sharedSubtrees: readonly Scenario[] = [
  {
    name: "3a: what is mounted in a shared mount appears at its replica",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a
mount --make-shared /mnt
mount --bind /mnt /tmp
mount -t tmpfs none /tmp/a`,
    table: ["/ private", "/mnt shared:1", "/tmp shared:1", "/tmp/a shared:2", "/mnt/a shared:2"],
  },
  {
    name: "3b: a slave gets what its master gets, and not the other way round",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a /mnt/b
mount --make-shared /mnt
mount --bind /mnt /tmp
mount --make-slave /tmp
mount -t tmpfs none /mnt/a
mount -t tmpfs none /tmp/b`,
    table: [
      "/ private",
      "/mnt shared:1",
      "/tmp master:1",
      "/mnt/a shared:2",
      "/tmp/a master:2",
      "/tmp/b private",
    ],
  },
  {
    name: "3d: an unbindable mount cannot be bound, and is left out of a tree",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a
mount -t tmpfs none /mnt/a
mount --make-unbindable /mnt/a
mount --bind /mnt/a /new
mount --rbind /mnt /tmp`,
    fails: { "--bind /mnt/a": "EINVAL, is unbindable" },
    table: ["/ private", "/mnt private", "/mnt/a unbindable", "/tmp private"],
  },
  {
    name: "5a: a shared mount alone in its group becomes private when it is made a slave",
    script: `${files}
mount --bind /mnt /mnt
mount --make-shared /mnt
mount --make-slave /mnt`,
    table: ["/ private", "/mnt private"],
  },
  {
    name: "5a: a slave can be shared as well, and stays so as a private slave",
    script: `${files}
mount --bind /mnt /mnt
mount --make-shared /mnt
mount --bind /mnt /tmp
mount --make-slave /tmp
mount --make-shared /tmp
mount --bind /tmp /new
mount --make-slave /new`,
    table: ["/ private", "/mnt shared:1", "/tmp shared:2,master:1", "/new master:2"],
  },
  {
    name: "5c: a mount whose parent is shared cannot be moved",
    script: `${files}
mount --bind /mnt /mnt
mkdir -p /mnt/a
mount --make-shared /mnt
mount -t tmpfs none /mnt/a
mount --move /mnt/a /tmp`,
    fails: { "--move": "EINVAL, is attached to is shared" },
  },
  {
    name: "5c: a tree with an unbindable mount cannot be moved to a shared one",
    script: `${files}
mount -t tmpfs none /mnt
mount --make-unbindable /mnt
mount --bind /tmp /tmp
mkdir -p /tmp/a
mount --make-shared /tmp
mount --move /mnt /tmp/a`,
    fails: { "--move": "EINVAL, cannot get copies" },
  },
  {
    name: "5e: a clone of the namespace has peers of its shared mounts",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a
mount --make-shared /mnt
p2: unshare --mount --propagation unchanged
p2: mount -t tmpfs none /mnt/a`,
    table: ["/ private", "/mnt shared:1", "/mnt/a shared:2"],
  },
  {
    name: "6A: the first question of the quiz",
    script: `${files} /mnt/1
mount --bind /mnt /mnt
mount --make-shared /mnt
mount --bind /mnt /tmp
mount --move /tmp /mnt/1`,
    table: ["/ private", "/mnt shared:1", "/mnt/1 shared:1", "/mnt/1/1 shared:1"],
  },
  {
    name: "6B: the second question of the quiz",
    script: `mount --make-rshared /
mkdir -p /v/1
mount --rbind / /v/1`,
    table: ["/ shared:1", "/v/1 shared:1"],
  },
  {
    name: "6C: the third question of the quiz",
    script: `${files} /tmp1
mount --bind /mnt /mnt
mount --make-shared /mnt
mkdir -p /mnt/1/2/3 /mnt/1/test
mount --bind /mnt/1 /tmp
mount --make-slave /mnt
mount --make-shared /mnt
mount --bind /mnt/1/2 /tmp1
mount --make-slave /mnt
mount --bind /bin /tmp/test`,
    table: [
      "/ private",
      "/mnt master:2",
      "/tmp shared:1",
      "/tmp1 shared:2,master:1",
      "/tmp/test shared:3",
      "/mnt/1/test master:3",
    ],
  },
  {
    name: "umount takes the copies along, and leaves what others are mounted in",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a/b
mount --make-shared /mnt
mount --bind /mnt /tmp
mount --make-slave /tmp
mount --bind /mnt/a /mnt/a
mkdir -p /tmp/a/b
mount -t tmpfs none /tmp/a/b
umount /mnt/a
mount -t tmpfs none /mnt/a
umount /mnt/a`,
  },
  {
    name: "what is mounted later comes to lie beneath a slave's own mount",
    script: `${files}
mount -t tmpfs none /mnt
mkdir -p /mnt/a
mount --make-shared /mnt
mount --bind /mnt /tmp
mount --make-slave /tmp
mount -t ramfs own /tmp/a
mount -t tmpfs late /mnt/a
umount /tmp/a`,
    table: ["/ private", "/mnt shared:1", "/tmp master:1", "/mnt/a shared:2", "/tmp/a master:2"],
  },
];

const newRoot = "mkdir -p /new/old\nmount --bind /new /new";

/** pivot_root(2): a script for each check, in the order of the checks. */
export const pivotRoots: readonly Scenario[] = [
  {
    name: "well",
    script: `${newRoot}\npivot_root /new /new/old`,
    table: ["/ private", "/old private"],
  },
  {
    name: "well with one place for both, as runtimes do",
    script: `${newRoot}\ncd /new\npivot_root . .\numount -l .\ncd /`,
    table: ["/ private"],
  },
  {
    name: "new_root is missing",
    script: "pivot_root /new /new",
    fails: { pivot_root: "ENOENT, no new here" },
  },
  {
    name: "new_root is a file",
    script: "touch /new\npivot_root /new /new",
    fails: { pivot_root: "ENOTDIR, no directory" },
  },
  {
    name: "the working directory is on a mount that has been detached",
    script: `${newRoot}\ncd /new\numount -l /new\npivot_root . .`,
    fails: { pivot_root: "ENOENT, unmounted already" },
  },
  {
    name: "put_old lies on a shared mount",
    script: `${newRoot}\nmount --make-shared /new\npivot_root /new /new/old`,
    fails: { pivot_root: "EINVAL, put_old is shared" },
  },
  {
    name: "new_root may be shared when put_old is not",
    script: `${newRoot}
mount --make-shared /new
mount -t tmpfs none /new/old
mount --make-private /new/old
pivot_root /new /new/old`,
  },
  {
    name: "the parent of new_root is shared",
    script: `mount --make-rshared /\n${newRoot}\nmount --make-private /new\npivot_root /new /new/old`,
    fails: { pivot_root: "EINVAL, attached to is shared" },
  },
  {
    name: "the root is shared, and new_root not attached to it",
    script: `mount --bind / /
${newRoot}
mount --make-slave /
pivot_root /new /new/old`,
  },
  {
    name: "new_root is locked",
    script: `${newRoot}\nunshare -rm\npivot_root /new /new/old`,
    fails: { pivot_root: "EINVAL, is locked" },
  },
  {
    name: "a locked one that is bound once more is none",
    script: `${newRoot}\nunshare -rm\nmount --rbind /new /new\npivot_root /new /new/old\numount -l /old`,
  },
  {
    name: "new_root has been removed",
    script: `mkdir -p /new /t
mount --bind /new /t
p2: unshare -m
p2: umount /t
cd /t
p2: rmdir /new
pivot_root . .`,
    fails: { pivot_root: "ENOENT, removed" },
  },
  {
    name: "new_root is the root",
    script: "pivot_root / /",
    fails: { pivot_root: "EBUSY, new_root is on the current root's own mount" },
  },
  {
    name: "new_root is a plain directory of the root",
    script: "mkdir -p /new/old\npivot_root /new /new/old",
    fails: { pivot_root: "EBUSY, new_root is on" },
  },
  {
    name: "put_old is on the root",
    script: `${newRoot}\nmkdir /old\npivot_root /new /old`,
    fails: { pivot_root: "EBUSY, put_old is on" },
  },
  {
    name: "the root is a chroot",
    script: `mkdir -p /jail/new/old
mount -t tmpfs none /jail/new
mkdir /jail/new/old
chroot /jail
pivot_root /new /new/old`,
    fails: { pivot_root: "EINVAL, no mount point: chroot" },
  },
  {
    name: "a chroot into a mount point is fine",
    script: `mkdir -p /jail
mount -t tmpfs none /jail
mkdir -p /jail/new
mount -t tmpfs none /jail/new
mkdir /jail/new/old
chroot /jail
pivot_root /new /new/old`,
  },
  {
    name: "new_root is no mount point",
    script: `mkdir /t
mount -t tmpfs none /t
mkdir -p /t/new/old
pivot_root /t/new /t/new/old`,
    fails: { pivot_root: "EINVAL, new_root is no mount point" },
  },
  {
    name: "put_old is not in new_root",
    script: `${newRoot}\nmkdir /t\nmount -t tmpfs none /t\npivot_root /new /t`,
    fails: { pivot_root: "EINVAL, at or below new_root" },
  },
  {
    name: "new_root is above the root",
    script: `mkdir -p /jail
mount -t tmpfs none /jail
chroot --skip-chdir /jail
pivot_root . .`,
    fails: { pivot_root: "EINVAL, below the current root" },
  },
  {
    name: "who is in a chroot without a way in leaves it by its working directory",
    script: "mkdir /jail\nchroot --skip-chdir /jail\ncd ..\nmount",
  },
  {
    name: "another process whose root is the old one gets the new one",
    script: `${newRoot}\np2: cd /\npivot_root /new /new/old\np2: mount`,
  },
];
