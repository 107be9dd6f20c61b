/** Scripts to begin with in the playground: the grammar is that of `pivot mountns`. */

export type Example = { readonly id: string; readonly title: string; readonly text: string };

export const examples: readonly Example[] = [
  {
    id: "stacked",
    title: "pivot_root . . : both at one place",
    text: `# As container runtimes do it: no directory for the old root.
mkdir -p /new /proc
mount -t proc proc /proc
mount --make-rshared /
unshare -m
mount -t tmpfs new /new
cd /new
pivot_root . .
# The old root lies on top of the new one now: look at the tree.
umount -l .
cd /
`,
  },
  {
    id: "peers",
    title: "Peers and slaves: one disk, three views",
    text: `# p1 is there from the beginning; another name is another process.
mkdir -p /mnt
mount --make-rshared /
p2: unshare -m --propagation unchanged
p3: unshare -m --propagation slave
p1: mount -t tmpfs disk /mnt
# p2 is a peer: it takes the disk away from all. p3 is a slave: what it does stays there.
p3: mkdir /mnt/sub
p3: mount -t tmpfs own /mnt/sub
p2: umount -l /mnt
`,
  },
  {
    id: "kinds",
    title: "A file on a directory, and other refusals",
    text: `mkdir -p /a /b
touch /file
mount --bind /file /a
mount --bind /a /missing
mount --make-private /a
umount /a
mount --bind /a /a
mount --make-unbindable /a
mount --bind /a /b
`,
  },
  {
    id: "locked",
    title: "A user namespace: mounts that may not be taken away",
    text: `mkdir -p /secret /mnt
mount -t tmpfs cover /secret
p2: unshare -U -m
# What came from a more privileged namespace is locked: it may hide something.
p2: umount /secret
p2: mount --bind / /mnt
p2: mount --rbind / /mnt
p2: umount -l /mnt
`,
  },
];
