import { expect, test } from "bun:test";
import { parseCgroupLayout } from "./layout.ts";

const noFile = () => undefined;

/** `cgroup.controllers` and `cgroup.subtree_control` of one mount. */
const files = (mount: string, controllers: string, enabled: string) => (path: string) =>
  path === `${mount}/cgroup.controllers`
    ? `${controllers}\n`
    : path === `${mount}/cgroup.subtree_control`
      ? `${enabled}\n`
      : undefined;

test("a hybrid layout with a hierarchy for each controller", () => {
  const mountinfo = `24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 24 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu
33 31 0:30 / /sys/fs/cgroup/cpuacct rw,relatime - cgroup cgroup rw,cpuacct
35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw
`;
  const cgroup = "9:name=systemd:/\n4:memory:/job/0c75\n2:cpuacct:/\n1:cpu:/\n0::/\n";
  const readFile = files("/sys/fs/cgroup/unified", "hugetlb", "");
  expect(parseCgroupLayout(mountinfo, cgroup, readFile)).toEqual({
    mode: "hybrid",
    v1: [
      { controllers: ["cpu"], mount: "/sys/fs/cgroup/cpu", own: "/" },
      { controllers: ["cpuacct"], mount: "/sys/fs/cgroup/cpuacct", own: "/" },
      { controllers: ["memory"], mount: "/sys/fs/cgroup/memory", own: "/job/0c75" },
      { controllers: ["name=systemd"], mount: "/sys/fs/cgroup/systemd", own: "/" },
    ],
    v2: {
      mount: "/sys/fs/cgroup/unified",
      own: "/",
      controllers: ["hugetlb"],
      enabled: [],
      options: [],
    },
  });
});

test("systemd's hybrid layout: controllers together, options besides, an empty version 2", () => {
  const mountinfo = `25 22 0:21 / /sys/fs/cgroup ro,nosuid,nodev,noexec shared:8 - tmpfs tmpfs ro,mode=755
26 25 0:22 / /sys/fs/cgroup/unified rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate
27 25 0:23 / /sys/fs/cgroup/systemd rw,nosuid,nodev,noexec,relatime shared:10 - cgroup cgroup rw,xattr,release_agent=/lib/systemd/systemd-cgroups-agent,name=systemd
30 25 0:26 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid,nodev,noexec,relatime shared:14 - cgroup cgroup rw,cpu,cpuacct
31 25 0:27 / /sys/fs/cgroup/cpuset rw,nosuid,nodev,noexec,relatime shared:15 master:3 - cgroup cgroup rw,cpuset,clone_children`;
  const cgroup = `5:cpuset:/
4:cpu,cpuacct:/user.slice
1:name=systemd:/user.slice/user-0.slice/session-1.scope
0::/user.slice/user-0.slice/session-1.scope
`;
  const session = "/user.slice/user-0.slice/session-1.scope";
  expect(parseCgroupLayout(mountinfo, cgroup, () => "")).toEqual({
    mode: "hybrid",
    v1: [
      { controllers: ["name=systemd"], mount: "/sys/fs/cgroup/systemd", own: session },
      { controllers: ["cpu", "cpuacct"], mount: "/sys/fs/cgroup/cpu,cpuacct", own: "/user.slice" },
      { controllers: ["cpuset"], mount: "/sys/fs/cgroup/cpuset", own: "/" },
    ],
    v2: {
      mount: "/sys/fs/cgroup/unified",
      own: session,
      controllers: [],
      enabled: [],
      options: ["nsdelegate"],
    },
  });
});

test("version 2 alone reads two files, and only where there is a controller the second", () => {
  const mountinfo =
    "30 23 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n";
  const cgroup = "0::/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope\n";
  const all = "cpuset cpu io memory hugetlb pids rdma misc";
  expect(parseCgroupLayout(mountinfo, cgroup, files("/sys/fs/cgroup", all, "cpu memory"))).toEqual({
    mode: "v2",
    v1: [],
    v2: {
      mount: "/sys/fs/cgroup",
      own: "/user.slice/user-1000.slice/user@1000.service/app.slice/run-1.scope",
      controllers: all.split(" "),
      enabled: ["cpu", "memory"],
      options: ["nsdelegate", "memory_recursiveprot"],
    },
  });
  const asked: string[] = [];
  parseCgroupLayout(mountinfo, cgroup, (path) => {
    asked.push(path);
    return "\n";
  });
  expect(asked).toEqual(["/sys/fs/cgroup/cgroup.controllers"]);
});

test("a named hierarchy beside version 2 does not make a layout hybrid", () => {
  const mountinfo = `30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw
31 30 0:27 / /sys/fs/cgroup/elogind rw - cgroup cgroup rw,xattr,name=elogind
`;
  expect(parseCgroupLayout(mountinfo, "1:name=elogind:/\n0::/\n", noFile).mode).toBe("v2");
});

test("version 1 alone", () => {
  const mountinfo = `32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpuacct,cpu
33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
`;
  const layout = parseCgroupLayout(mountinfo, "4:memory:/\n1:cpu,cpuacct:/\n", noFile);
  expect(layout.mode).toBe("v1");
  expect(layout.v2).toBeNull();
  expect(layout.v1.map(({ controllers }) => controllers)).toEqual([["cpu", "cpuacct"], ["memory"]]);
});

test("no cgroups: neither mounts nor memberships, or one without the other", () => {
  const nothing = { mode: "none" as const, v1: [], v2: null };
  const mounts = "33 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n";
  expect(parseCgroupLayout("", "", noFile)).toEqual(nothing);
  expect(parseCgroupLayout("24 1 254:0 / / rw - ext4 /dev/vda rw\n", "0::/\n", noFile)).toEqual(
    nothing,
  );
  expect(parseCgroupLayout(mounts, "", noFile)).toEqual(nothing);
});

test("in a container without a cgroup namespace the mounts show a part, and paths are whole", () => {
  const mountinfo = `1011 1003 0:32 /docker/ab12 /sys/fs/cgroup/memory rw,nosuid - cgroup cgroup rw,memory
1012 1003 0:33 /docker/ab12 /sys/fs/cgroup/pids rw,nosuid - cgroup cgroup rw,pids
1013 1003 0:34 /docker/ab12 /sys/fs/cgroup/cpu rw,nosuid - cgroup cgroup rw,cpu
1014 1003 0:35 /docker/ab12 /sys/fs/cgroup/blkio rw,nosuid - cgroup cgroup rw,blkio
`;
  const cgroup = `4:memory:/docker/ab12
3:pids:/docker/ab12/inner/deep
2:cpu:/docker/ab123
1:blkio:/docker/ab12/gone (deleted)
`;
  const { v1 } = parseCgroupLayout(mountinfo, cgroup, noFile);
  expect(v1.map(({ own }) => own)).toEqual(["/", "/inner/deep", "/", "/"]);
});

test("in a container with a cgroup namespace, roots and paths may lead out of it", () => {
  const inside = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  const above = "30 23 0:26 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
  expect(parseCgroupLayout(inside, "0::/\n", noFile).v2?.own).toBe("/");
  expect(parseCgroupLayout(inside, "0::/../other\n", noFile).v2?.own).toBe("/");
  // The mount shows more than the namespace: where in it the caller is, nobody says.
  expect(parseCgroupLayout(above, "0::/\n", noFile).v2?.own).toBe("/");
});

test("escapes in mount points and roots", () => {
  const mountinfo = "30 23 0:26 /a\\040job /mnt/c\\040groups\\134x\\011 rw - cgroup2 c\\040g rw\n";
  const { v2 } = parseCgroupLayout(mountinfo, "0::/a job/web:1\n", noFile);
  expect(v2).toMatchObject({ mount: "/mnt/c groups\\x\t", own: "/web:1" });
});

test("a mount that is read-only cannot be used; a second one of the hierarchy can", () => {
  const mountinfo = `30 23 0:26 / /sys/fs/cgroup ro,nosuid - cgroup2 cgroup2 rw
31 23 0:27 / /mnt/memory rw - cgroup cgroup ro,memory
32 23 0:26 / /mnt/unified rw - cgroup2 cgroup2 rw
33 23 0:26 / /mnt/again rw - cgroup2 cgroup2 rw
`;
  const layout = parseCgroupLayout(mountinfo, "1:memory:/\n0::/\n", noFile);
  expect(layout.v1).toEqual([]);
  expect(layout.v2?.mount).toBe("/mnt/unified");
});

test("mounts below something that was mounted over them later do not count", () => {
  const old = `25 22 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw
33 25 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
34 25 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;
  const memberships = "4:memory:/\n0::/\n";
  const over = `${old}60 25 0:31 / /sys/fs/cgroup rw - cgroup2 none rw\n`;
  expect(parseCgroupLayout(old, memberships, noFile).mode).toBe("hybrid");
  expect(parseCgroupLayout(over, memberships, noFile)).toMatchObject({
    mode: "v2",
    v2: { mount: "/sys/fs/cgroup" },
  });
  // Its own parent may be listed after it, when that was attached later.
  const [tmpfs = "", ...rest] = old.trim().split("\n");
  const late = [...rest, tmpfs].join("\n");
  expect(parseCgroupLayout(late, memberships, noFile).mode).toBe("hybrid");
  // A file system that only has the path as its root or source covers nothing.
  const bind = `${old}61 22 0:21 /sys/fs/cgroup /mnt rw - ext4 /sys/fs/cgroup rw\n`;
  expect(parseCgroupLayout(bind, memberships, noFile).mode).toBe("hybrid");
});
