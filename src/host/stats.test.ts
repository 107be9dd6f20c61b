// The statistics of cgroups that are written down here, in version 1, version 2 and both.

import { expect, test } from "bun:test";
import { writeEvent } from "../oci/event.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import type { Files } from "./cgroup-files.ts";
import { readStats } from "./stats.ts";

/** Files by path, as a machine would have them. */
const filesOf = (texts: Readonly<Record<string, string>>): Files => ({
  read: (path) => texts[path],
  list: (path) =>
    Object.keys(texts)
      .filter((file) => file.startsWith(`${path}/`))
      .map((file) => file.slice(path.length + 1)),
});

const below = (directory: string, texts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(texts).map(([name, text]) => [`${directory}/${name}`, text]));

const v2: CgroupLayout = {
  mode: "v2",
  v1: [],
  v2: {
    mount: "/sys/fs/cgroup",
    own: "/",
    controllers: ["memory", "cpu", "io"],
    enabled: [],
    options: [],
  },
};

const unified = {
  "cpu.stat":
    "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 4\nnr_throttled 2\nthrottled_usec 7\n",
  "cpu.pressure":
    "some avg10=1.50 avg60=0.20 avg300=0.00 total=123\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=45\n",
  "memory.stat": "anon 4096\nfile 8192\n",
  "memory.current": "12288\n",
  "memory.peak": "20480\n",
  "memory.max": "67108864\n",
  "memory.swap.current": "4096\n",
  "memory.swap.max": "33554432\n",
  "pids.current": "3\n",
  "pids.max": "32\n",
  "io.stat": "8:0 rbytes=512 wbytes=1024 rios=1 wios=2 dbytes=0 dios=0\n253:1 rbytes=0 wios=0\n",
  "hugetlb.2MB.current": "2097152\n",
  "hugetlb.2MB.rsvd.current": "0\n",
  "hugetlb.2MB.events": "max 5\n",
};

const noCpuset = {
  cpu_exclusive: 0n,
  mem_hardwall: 0n,
  mem_exclusive: 0n,
  memory_migrate: 0n,
  memory_spread_page: 0n,
  memory_spread_slab: 0n,
  memory_pressure: 0n,
  sched_load_balance: 0n,
  sched_relax_domain_level: 0n,
};

test("version 2, in the units and under the names of version 1", () => {
  const files = filesOf(below("/sys/fs/cgroup/a", unified));
  expect(readStats(["/sys/fs/cgroup/a"], v2, files)).toEqual({
    cpu: {
      usage: { total: 1500000n, kernel: 500000n, user: 1000000n },
      throttling: { periods: 4n, throttledPeriods: 2n, throttledTime: 7000n },
      psi: {
        some: { avg10: 1.5, avg60: 0.2, avg300: 0, total: 123n },
        full: { avg10: 0, avg60: 0, avg300: 0, total: 45n },
      },
    },
    cpuset: noCpuset,
    memory: {
      cache: 8192n,
      usage: { limit: 67108864n, usage: 12288n, max: 20480n, failcnt: 0n },
      swap: { limit: 100663296n, usage: 16384n, failcnt: 0n },
      kernel: { limit: 0n, failcnt: 0n },
      kernelTCP: { limit: 0n, failcnt: 0n },
      raw: { anon: 4096n, file: 8192n },
    },
    pids: { current: 3n, limit: 32n },
    blkio: {
      ioServiceBytesRecursive: [
        { major: 8n, op: "Read", value: 512n },
        { major: 8n, op: "Write", value: 1024n },
        { major: 253n, minor: 1n, op: "Read" },
      ],
      ioServicedRecursive: [
        { major: 8n, op: "Read", value: 1n },
        { major: 8n, op: "Write", value: 2n },
        { major: 253n, minor: 1n, op: "Write" },
      ],
    },
    hugetlb: { "2MB": { usage: 2097152n, failcnt: 5n } },
    intel_rdt: {},
    network_interfaces: null,
  });
});

test("version 2 without limits: the largest number for bytes, nothing for tasks", () => {
  const texts = { ...unified, "memory.max": "max\n", "pids.max": "max\n" };
  const { memory, pids } = readStats(
    ["/sys/fs/cgroup/a"],
    v2,
    filesOf(below("/sys/fs/cgroup/a", texts)),
  );
  expect(memory.usage.limit).toBe(18446744073709551615n);
  expect(memory.swap.limit).toBe(18446744073709551615n);
  expect(pids).toEqual({ current: 3n });
});

test("a cgroup that is gone has used nothing", () => {
  const entry = { limit: 0n, failcnt: 0n };
  expect(readStats(["/sys/fs/cgroup/a"], v2, filesOf({}))).toEqual({
    cpu: { usage: { kernel: 0n, user: 0n }, throttling: {} },
    cpuset: noCpuset,
    memory: { usage: entry, swap: entry, kernel: entry, kernelTCP: entry },
    pids: {},
    blkio: {},
    hugetlb: {},
    intel_rdt: {},
    network_interfaces: null,
  });
});

const hybrid: CgroupLayout = {
  mode: "hybrid",
  v1: [
    { controllers: ["cpu", "cpuacct"], mount: "/cg/cpu,cpuacct", own: "/" },
    { controllers: ["blkio"], mount: "/cg/blkio", own: "/" },
    { controllers: ["cpuset"], mount: "/cg/cpuset", own: "/" },
  ],
  v2: {
    mount: "/cg/unified",
    own: "/",
    controllers: ["hugetlb"],
    enabled: ["hugetlb"],
    options: [],
  },
};

test("hybrid: each controller where it lives; version 1's own units", () => {
  const files = filesOf({
    "/cg/cpu,cpuacct/a/cpu.stat": "nr_periods 9\nnr_throttled 0\nthrottled_time 12\n",
    "/cg/cpu,cpuacct/a/cpuacct.stat": "user 3\nsystem 2\n",
    "/cg/cpu,cpuacct/a/cpuacct.usage": "60000000\n",
    "/cg/cpu,cpuacct/a/cpuacct.usage_percpu": "50000000 10000000 \n",
    "/cg/cpu,cpuacct/a/cpuacct.usage_all": "cpu user system\n0 30 20\n1 10 0\n",
    "/cg/blkio/a/blkio.bfq.io_serviced_recursive": "Total 0\n",
    "/cg/blkio/a/blkio.throttle.io_serviced_recursive": "8:16 Read 5\n8:16 Total 5\nTotal 5\n",
    "/cg/cpuset/a/cpuset.cpus": "0-2,7\n",
    "/cg/cpuset/a/cpuset.sched_relax_domain_level": "-1\n",
    "/cg/unified/a/hugetlb.1GB.current": "0\n",
    "/cg/unified/a/hugetlb.1GB.events": "max 0\n",
  });
  const directories = ["/cg/cpu,cpuacct/a", "/cg/blkio/a", "/cg/cpuset/a", "/cg/unified/a"];
  const { cpu, blkio, cpuset, hugetlb } = readStats(directories, hybrid, files);
  expect(cpu).toEqual({
    usage: {
      total: 60000000n,
      percpu: [50000000n, 10000000n],
      percpu_kernel: [20n, 0n],
      percpu_user: [30n, 10n],
      kernel: 20000000n,
      user: 30000000n,
    },
    throttling: { periods: 9n, throttledTime: 12n },
  });
  expect(blkio).toEqual({
    ioServicedRecursive: [
      { major: 8n, minor: 16n, op: "Read", value: 5n },
      { major: 8n, minor: 16n, op: "Total", value: 5n },
    ],
  });
  expect(cpuset).toEqual({ ...noCpuset, cpus: [0, 1, 2, 7], sched_relax_domain_level: -1n });
  expect(hugetlb).toEqual({ "1GB": { failcnt: 0n } });
});

test("an event is a line of JSON, its numbers whole", () => {
  const files = filesOf(below("/sys/fs/cgroup/a", { "memory.max": "max\n" }));
  const data = readStats(["/sys/fs/cgroup/a"], v2, files);
  const line = writeEvent({ type: "stats", id: "a", data });
  expect(line).toStartWith('{"type":"stats","id":"a","data":{"cpu":{"usage":{"kernel":0,');
  expect(line).toContain('"usage":{"limit":18446744073709551615,"failcnt":0}');
  expect(line).toEndWith('"network_interfaces":null}}\n');
  expect(writeEvent({ type: "oom", id: "a" })).toBe('{"type":"oom","id":"a"}\n');
});
