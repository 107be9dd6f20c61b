// The text of mountinfo, written and read.

import { expect, test } from "bun:test";
import {
  apply,
  fromMountinfo,
  initialState,
  mountinfo,
  type Operation,
  parseMountinfo,
  type State,
  showMountTree,
} from "./mod.ts";

function after(operations: readonly Operation[], start = initialState()): State {
  return operations.reduce((state, op) => {
    const outcome = apply(state, op);
    if (!outcome.ok) throw new Error(`${op.op}: ${outcome.errno}, ${outcome.rule}`);
    return outcome.state;
  }, start);
}

const host = `22 27 0:21 / /proc rw,relatime - proc proc rw
24 27 0:6 / /dev rw,relatime shared:2 - devtmpfs devtmpfs rw,size=12334492k,mode=755
26 24 0:24 / /dev/pts rw,nosuid,noexec,relatime shared:3 - devpts devpts rw,mode=600,ptmxmode=000
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
30 27 254:0 /srv/a\\040b /mnt\\040x ro,noatime master:7 propagate_from:1 - ext4 /dev/vda rw,discard
31 27 0:9 net:[4026531840] /run/ns rw unbindable - nsfs nsfs rw
`;

test("a host's table is printed as it was read", () => {
  const lines = (text: string): string[] => text.trim().split("\n").sort();
  // Whether a group dominates depends on mounts that are not in the table.
  const known = host.replace(" propagate_from:1", "");
  expect(lines(mountinfo(fromMountinfo(host), 1))).toEqual(lines(known));
});

test("every field is read", () => {
  expect(parseMountinfo(host)[4]).toEqual({
    id: 30,
    parent: 27,
    device: "254:0",
    root: "/srv/a b",
    mountpoint: "/mnt x",
    flags: "ro,noatime",
    shared: null,
    master: 7,
    propagateFrom: 1,
    unbindable: false,
    type: "ext4",
    source: "/dev/vda",
    superOptions: "rw,discard",
  });
});

test("a line that is none is named", () => {
  expect(() => parseMountinfo("22 27 0:21 / /proc rw - proc proc rw\nrubbish\n")).toThrow(
    'line 2 is not one of mountinfo: "rubbish"',
  );
});

test("a table goes on from where it was: new groups and mounts get new numbers", () => {
  const state = after(
    [
      { op: "bind", by: 1, source: "/srv", target: "/dev/shm", recursive: false },
      { op: "umount", by: 1, target: "/proc", flags: [] },
    ],
    fromMountinfo(host),
  );
  const rows = parseMountinfo(mountinfo(state, 1));
  expect(rows.map(({ mountpoint }) => mountpoint)).not.toContain("/proc");
  // The copy of a shared mount is its peer.
  expect(rows.at(-1)).toMatchObject({ id: 32, parent: 24, root: "/srv", shared: 1 });
});

test("the table of a process in a chroot begins below it", () => {
  const state = after([
    { op: "mkdir", by: 1, path: "/jail/t", parents: true },
    {
      op: "mount",
      by: 1,
      type: "tmpfs",
      source: "none",
      target: "/jail/t",
      attributes: [],
      options: [],
    },
    { op: "fork", by: 1, child: 2 },
    { op: "chroot", by: 2, path: "/jail" },
  ]);
  expect(mountinfo(state, 2)).toBe("3 2 0:3 / /t rw,relatime - tmpfs none rw\n");
  const again = fromMountinfo(mountinfo(state, 2), { process: 2 });
  expect(mountinfo(again, 2)).toBe(mountinfo(state, 2));
});

test("flags stand in the kernel's order", () => {
  const state = after([
    {
      op: "remount",
      by: 1,
      target: "/",
      attributes: ["nosymfollow", "nodiratime", "noatime", "noexec", "nodev", "nosuid", "ro"],
      bind: true,
    },
  ]);
  expect(mountinfo(state, 1)).toBe(
    "2 1 0:2 / / ro,nosuid,nodev,noexec,noatime,nodiratime,nosymfollow - tmpfs tmpfs rw\n",
  );
});

test("a tree for people", () => {
  expect(showMountTree(fromMountinfo(host), 1)).toBe(`\
TARGET        SOURCE                  FSTYPE    OPTIONS                    PROPAGATION
/             /dev/vda                ext4      rw,relatime                shared:1
├─/proc       proc                    proc      rw,relatime                private
├─/dev        devtmpfs                devtmpfs  rw,relatime                shared:2
│ └─/dev/pts  devpts                  devpts    rw,nosuid,noexec,relatime  shared:3
├─/mnt x      /dev/vda[/srv/a b]      ext4      ro,noatime                 master:7
└─/run/ns     nsfs[net:[4026531840]]  nsfs      rw                         unbindable
`);
});
