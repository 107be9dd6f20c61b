// A configuration with every field there is; the compiler says when one is missing.

import type { Spec } from "../mod.ts";

/** T with no optional field at any depth. */
type Complete<T> = T extends readonly (infer Element)[]
  ? readonly Complete<Element>[]
  : T extends object
    ? { readonly [Name in keyof T]-?: Complete<Exclude<T[Name], undefined>> }
    : T;

const mappings = [
  { containerID: 0, hostID: 1000, size: 1 },
  { containerID: 1, hostID: 100000, size: 65536 },
];

const hook = { path: "/usr/bin/hook", args: ["hook", "-v"], env: ["A=b"], timeout: 5 };
const throttles = [{ major: 8, minor: 0, rate: 1048576n }];

export const complete: Complete<Spec> = {
  ociVersion: "1.3.0-rc.1+build.5",
  root: { path: "rootfs", readonly: true },
  mounts: [
    {
      destination: "/data",
      type: "none",
      source: "/srv/data",
      options: ["rbind", "ridmap"],
      uidMappings: mappings,
      gidMappings: mappings,
    },
  ],
  process: {
    terminal: true,
    consoleSize: { height: 25, width: 80 },
    user: { uid: 1000, gid: 4294967294, umask: 0o22, additionalGids: [5, 6] },
    args: ["sh", "-c", "echo 'ünï\n'"],
    env: ["PATH=/bin", "TERM=xterm"],
    cwd: "/root",
    capabilities: {
      bounding: ["CAP_CHOWN", "CAP_CHECKPOINT_RESTORE"],
      effective: ["CAP_CHOWN"],
      inheritable: [],
      permitted: ["CAP_CHOWN"],
      ambient: [],
    },
    rlimits: [
      { type: "RLIMIT_NOFILE", hard: 18446744073709551615n, soft: 1024n },
      { type: "RLIMIT_CORE", hard: 0n, soft: 0n },
    ],
    noNewPrivileges: true,
    apparmorProfile: "profile",
    oomScoreAdj: -1000,
    scheduler: {
      policy: "SCHED_DEADLINE",
      nice: -20,
      priority: 0,
      flags: ["SCHED_FLAG_RECLAIM"],
      runtime: 10000000n,
      deadline: 9007199254740993n,
      period: 30000000n,
    },
    selinuxLabel: "system_u:system_r:container_t:s0",
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
    execCPUAffinity: { initial: "7", final: "0-3,7" },
  },
  hostname: "host",
  domainname: "example.test",
  hooks: {
    prestart: [hook],
    createRuntime: [hook],
    createContainer: [hook],
    startContainer: [hook],
    poststart: [hook],
    poststop: [hook],
  },
  annotations: { "org.example.key": "value" },
  linux: {
    namespaces: [{ type: "network", path: "/run/netns/a" }],
    uidMappings: mappings,
    gidMappings: mappings,
    timeOffsets: {
      boottime: { secs: -9223372036854775808n, nanosecs: 999999999 },
      monotonic: { secs: 86400n, nanosecs: 0 },
    },
    devices: [
      {
        path: "/dev/fuse",
        type: "c",
        major: 10,
        minor: 229,
        fileMode: 0o20666,
        uid: 0,
        gid: 0,
      },
    ],
    netDevices: { eth1: { name: "container%d" } },
    cgroupsPath: "/pivot/one",
    resources: {
      devices: [{ allow: true, type: "b", major: 8, minor: -1, access: "rw" }],
      memory: {
        limit: 9223372036854775807n,
        reservation: 9007199254740993n,
        swap: -1n,
        kernel: -1n,
        kernelTCP: 1n,
        swappiness: 60,
        disableOOMKiller: false,
        useHierarchy: true,
        checkBeforeUpdate: true,
      },
      cpu: {
        shares: 1024n,
        quota: -1n,
        burst: 1000n,
        period: 100000n,
        realtimeRuntime: 950000n,
        realtimePeriod: 1000000n,
        cpus: "0-3,7",
        mems: "0",
        idle: 1,
      },
      pids: { limit: 0n },
      blockIO: {
        weight: 500,
        leafWeight: 300,
        weightDevice: [{ major: 8, minor: 0, weight: 10, leafWeight: 20 }],
        throttleReadBpsDevice: throttles,
        throttleWriteBpsDevice: throttles,
        throttleReadIOPSDevice: throttles,
        throttleWriteIOPSDevice: throttles,
      },
      hugepageLimits: [{ pageSize: "2MB", limit: 18446744073709551615n }],
      network: { classID: 1048577, priorities: [{ name: "eth0", priority: 500 }] },
      rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10000 } },
      unified: { "io.max": "259:0 rbps=2097152\n253:0 wiops=120" },
    },
    rootfsPropagation: "rslave",
    seccomp: {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_SHEB"],
      flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
      listenerPath: "/run/agent.sock",
      listenerMetadata: "any text",
      syscalls: [
        {
          names: ["getcwd", "chmod"],
          action: "SCMP_ACT_TRACE",
          errnoRet: 1,
          args: [
            { index: 5, value: 18446744073709551615n, valueTwo: 1n, op: "SCMP_CMP_MASKED_EQ" },
          ],
        },
      ],
    },
    sysctl: { "net.ipv4.ip_forward": "1", "net/ipv4/conf/eth0.100/rp_filter": "4096 16384\t1" },
    maskedPaths: ["/proc/kcore"],
    readonlyPaths: ["/proc/sys"],
    mountLabel: "system_u:object_r:container_file_t:s0",
    personality: { domain: "LINUX32", flags: [] },
    intelRdt: {
      closID: "guaranteed",
      schemata: ["L3:0=7f0;1=1f", "MB:0=20;1=70"],
      l3CacheSchema: "L3:0=7f0",
      memBwSchema: "MB:0=20;1=70",
      enableMonitoring: true,
    },
    memoryPolicy: {
      mode: "MPOL_INTERLEAVE",
      nodes: "2-3",
      flags: ["MPOL_F_STATIC_NODES"],
    },
  },
};
