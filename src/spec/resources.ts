// The limits of a container's cgroup (config-linux.md, Control groups): types and shape.

import {
  boolean,
  idList,
  int64,
  integer,
  isInterfaceName,
  oneOf,
  text,
  textThat,
  uint32,
  uint64,
} from "./scalar.ts";
import { checked, lazy, list, map, object, optional, required, type Shape } from "./shape.ts";

/** Limits for the container's cgroup; what is absent is left as it is. */
export interface LinuxResources {
  /** Rules for the use of device nodes, in the order of their application. */
  readonly devices?: readonly LinuxDeviceCgroup[];
  readonly memory?: LinuxMemory;
  readonly cpu?: LinuxCPU;
  readonly pids?: LinuxPids;
  readonly blockIO?: LinuxBlockIO;
  readonly hugepageLimits?: readonly LinuxHugepageLimit[];
  readonly network?: LinuxNetwork;
  /** By device name. */
  readonly rdma?: Readonly<Record<string, LinuxRdma>>;
  /** What to write to the files of the cgroup v2, by file name. */
  readonly unified?: Readonly<Record<string, string>>;
}

const DEVICE_RULE_TYPES = ["a", "b", "c"] as const;

/** All devices, block or character devices. */
export type DeviceRuleType = (typeof DEVICE_RULE_TYPES)[number];

/** A rule for device nodes; a type, major or minor that is absent (or -1) is any. */
export interface LinuxDeviceCgroup {
  readonly allow: boolean;
  readonly type?: DeviceRuleType;
  readonly major?: number;
  readonly minor?: number;
  /** Of `r` read, `w` write, `m` mknod. */
  readonly access?: string;
}

/** Limits in bytes; -1 is no limit. */
export interface LinuxMemory {
  readonly limit?: bigint;
  readonly reservation?: bigint;
  /** Memory and swap together. */
  readonly swap?: bigint;
  readonly kernel?: bigint;
  readonly kernelTCP?: bigint;
  /** 0 to 100. */
  readonly swappiness?: number;
  readonly disableOOMKiller?: boolean;
  readonly useHierarchy?: boolean;
  /** Refuse a limit that is below the present use. */
  readonly checkBeforeUpdate?: boolean;
}

/** CPU time, all times in microseconds. */
export interface LinuxCPU {
  /** The weight relative to other cgroups. */
  readonly shares?: bigint;
  /** The time per period; not positive: no limit. */
  readonly quota?: bigint;
  readonly burst?: bigint;
  readonly period?: bigint;
  readonly realtimeRuntime?: bigint;
  readonly realtimePeriod?: bigint;
  /** Such as `0-3,7`, as are the memory nodes. */
  readonly cpus?: string;
  readonly mems?: string;
  /** 1 is SCHED_IDLE. */
  readonly idle?: number;
}

/** How many tasks there may be; -1 is no limit, 0 is none. */
export interface LinuxPids {
  readonly limit?: bigint;
}

export interface LinuxBlockIO {
  readonly weight?: number;
  readonly leafWeight?: number;
  readonly weightDevice?: readonly LinuxWeightDevice[];
  readonly throttleReadBpsDevice?: readonly LinuxThrottleDevice[];
  readonly throttleWriteBpsDevice?: readonly LinuxThrottleDevice[];
  readonly throttleReadIOPSDevice?: readonly LinuxThrottleDevice[];
  readonly throttleWriteIOPSDevice?: readonly LinuxThrottleDevice[];
}

/** The weight of a block device: one of the two, or both. */
export interface LinuxWeightDevice {
  readonly major: number;
  readonly minor: number;
  readonly weight?: number;
  readonly leafWeight?: number;
}

/** The limit of a block device: bytes, or operations, per second. */
export interface LinuxThrottleDevice {
  readonly major: number;
  readonly minor: number;
  readonly rate: bigint;
}

export interface LinuxHugepageLimit {
  /** Such as `2MB`, in powers of 1024. */
  readonly pageSize: string;
  /** Bytes. */
  readonly limit: bigint;
}

/** The class and the priorities of network packets (cgroup v1). */
export interface LinuxNetwork {
  readonly classID?: number;
  readonly priorities?: readonly LinuxInterfacePriority[];
}

export interface LinuxInterfacePriority {
  /** An interface of the host. */
  readonly name: string;
  readonly priority: number;
}

/** Limits of an RDMA device: one of the two, or both. */
export interface LinuxRdma {
  readonly hcaHandles?: number;
  readonly hcaObjects?: number;
}

/** The largest major and minor number that a dev_t of the kernel holds (linux/kdev_t.h). */
export const MAX_MAJOR = 2 ** 12 - 1;
export const MAX_MINOR = 2 ** 20 - 1;

export const resourcesShape: Shape<LinuxResources> = lazy(() =>
  object<LinuxResources>({
    devices: optional(list(deviceRule)),
    memory: optional(memory),
    cpu: optional(cpu),
    pids: optional(pids),
    blockIO: optional(blockIO),
    hugepageLimits: optional(list(hugepageLimit)),
    network: optional(network),
    rdma: optional(map(rdma, { expected: "the name of an RDMA device" })),
    unified: optional(
      // The key becomes a path below the cgroup: it must not lead out of it.
      map(text, {
        expected: 'the name of a cgroup file, without "/" or ".."',
        test: (name) => !/[\s/]|\.\./.test(name) && name !== ".",
      }),
    ),
  }),
);

const deviceRule = lazy(() =>
  object<LinuxDeviceCgroup>({
    allow: required(boolean),
    type: optional(oneOf(DEVICE_RULE_TYPES)),
    // docker writes -1 for the "*" of its --device-cgroup-rule.
    major: optional(integer("a major device number", -1, MAX_MAJOR)),
    minor: optional(integer("a minor device number", -1, MAX_MINOR)),
    access: optional(textThat('letters of "rwm"', (access) => /^[rwm]+$/.test(access))),
  }),
);

const memory = lazy(() => {
  const bytes = int64("a whole number of bytes", -1n);
  return object<LinuxMemory>({
    limit: optional(bytes),
    reservation: optional(bytes),
    swap: optional(bytes),
    kernel: optional(bytes),
    kernelTCP: optional(bytes),
    swappiness: optional(integer("a whole number", 0, 100)),
    disableOOMKiller: optional(boolean),
    useHierarchy: optional(boolean),
    checkBeforeUpdate: optional(boolean),
  });
});

const cpu = lazy(() => {
  const duration = uint64("a whole number of microseconds");
  return checked(
    object<LinuxCPU>({
      shares: optional(uint64("a whole number")),
      quota: optional(int64("a whole number of microseconds")),
      burst: optional(duration),
      period: optional(duration),
      realtimeRuntime: optional(int64("a whole number of microseconds")),
      realtimePeriod: optional(duration),
      cpus: optional(idList("a list of CPUs")),
      mems: optional(idList("a list of memory nodes")),
      idle: optional(integer("a whole number", 0, 1)),
    }),
    ({ quota, burst }, report) => {
      if (quota !== undefined && quota > 0n && burst !== undefined && burst > quota) {
        report.problem(`at most the quota, ${quota}`, `the number ${burst}`, "burst");
      }
    },
  );
});

const pids = lazy(() =>
  object<LinuxPids>({ limit: optional(int64("a whole number of tasks", -1n)) }),
);

const blockIO = lazy(() => {
  const throttles = list(throttleDevice);
  return object<LinuxBlockIO>({
    weight: optional(weight),
    leafWeight: optional(weight),
    weightDevice: optional(list(weightDevice)),
    throttleReadBpsDevice: optional(throttles),
    throttleWriteBpsDevice: optional(throttles),
    throttleReadIOPSDevice: optional(throttles),
    throttleWriteIOPSDevice: optional(throttles),
  });
});

const weight = lazy(() => integer("a weight (whole number)", 0, 65535));
const majorNumber = lazy(() => integer("a major device number", 0, MAX_MAJOR));
const minorNumber = lazy(() => integer("a minor device number", 0, MAX_MINOR));

const weightDevice = lazy(() =>
  checked(
    object<LinuxWeightDevice>({
      major: required(majorNumber),
      minor: required(minorNumber),
      weight: optional(weight),
      leafWeight: optional(weight),
    }),
    (device, report) => {
      if (device.weight === undefined && device.leafWeight === undefined) {
        report.problem("a weight, a leafWeight, or both", "neither");
      }
    },
  ),
);

const throttleDevice = lazy(() =>
  object<LinuxThrottleDevice>({
    major: required(majorNumber),
    minor: required(minorNumber),
    rate: required(uint64("a whole number per second")),
  }),
);

const hugepageLimit = lazy(() =>
  object<LinuxHugepageLimit>({
    pageSize: required(
      textThat('a page size such as "2MB"', (size) => /^[1-9]\d*[KMG]B$/.test(size)),
    ),
    limit: required(uint64("a whole number of bytes")),
  }),
);

const network = lazy(() =>
  object<LinuxNetwork>({
    classID: optional(uint32("a whole number")),
    priorities: optional(
      list(
        object<LinuxInterfacePriority>({
          name: required(textThat("the name of a network interface", isInterfaceName)),
          priority: required(uint32("a whole number")),
        }),
      ),
    ),
  }),
);

const rdma = lazy(() =>
  checked(
    object<LinuxRdma>({
      hcaHandles: optional(uint32("a whole number")),
      hcaObjects: optional(uint32("a whole number")),
    }),
    (limit, report) => {
      if (limit.hcaHandles === undefined && limit.hcaObjects === undefined) {
        report.problem("hcaHandles, hcaObjects, or both", "neither");
      }
    },
  ),
);
