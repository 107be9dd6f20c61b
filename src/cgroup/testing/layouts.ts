// Layouts of cgroups as machines have them, for tests.

import type { CgroupLayout } from "../../planner/facts.ts";

const v1 = (controllers: string, own = "/") => ({
  controllers: controllers.split(","),
  mount: `/sys/fs/cgroup/${controllers.replace("name=", "")}`,
  own,
});

/** Each controller in a hierarchy of its own, and a version 2 that has only what is left. */
export const hybrid: CgroupLayout = {
  mode: "hybrid",
  v1: [v1("cpu"), v1("cpuset"), v1("memory", "/job"), v1("devices"), v1("blkio"), v1("pids")],
  v2: {
    mount: "/sys/fs/cgroup/unified",
    own: "/",
    controllers: ["hugetlb"],
    enabled: [],
    options: [],
  },
};

/** As systemd lays version 1 out: controllers together, a named hierarchy, an empty version 2. */
export const systemd: CgroupLayout = {
  mode: "hybrid",
  v1: [
    v1("name=systemd", "/user.slice/session-1.scope"),
    v1("cpu,cpuacct", "/user.slice"),
    v1("net_cls,net_prio"),
    v1("rdma"),
    v1("hugetlb"),
    v1("cpuset"),
    v1("memory", "/user.slice/session-1.scope"),
    v1("devices", "/user.slice"),
    v1("freezer"),
    v1("blkio", "/user.slice"),
    v1("pids", "/user.slice/session-1.scope"),
    v1("perf_event"),
  ],
  v2: {
    mount: "/sys/fs/cgroup/unified",
    own: "/user.slice",
    controllers: [],
    enabled: [],
    options: [],
  },
};

export const onlyV1: CgroupLayout = { mode: "v1", v1: [v1("memory"), v1("freezer")], v2: null };

export const pureV2: CgroupLayout = {
  mode: "v2",
  v1: [],
  v2: {
    mount: "/sys/fs/cgroup",
    own: "/user.slice/user-0.slice/session-1.scope",
    controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"],
    enabled: ["cpu", "memory", "pids"],
    options: [],
  },
};

export const none: CgroupLayout = { mode: "none", v1: [], v2: null };
