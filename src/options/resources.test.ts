import { expect, test } from "bun:test";
import type { LinuxResources } from "../spec/mod.ts";
import type { ContainerFacts } from "./facts.ts";
import type { RunOptions } from "./options.ts";
import { hostFacts } from "./testing/facts.ts";
import { linesOf, made } from "./testing/made.ts";

const disk = {
  path: "/dev/sda",
  type: "b",
  major: 8,
  minor: 0,
  mode: 0o660,
  uid: 0,
  gid: 6,
} as const;
const facts: ContainerFacts = {
  ...hostFacts,
  devices: { "/dev/sda": [disk], "/dev/tty": [{ ...disk, type: "c" }] },
  cpus: 4,
};

/** The limits beside those of devices. */
const limits = (options: RunOptions, given = facts): Omit<LinuxResources, "devices"> => {
  const { devices: _, ...rest } = made(options, given).linux.resources ?? {};
  return rest;
};

test("nothing is limited unless asked for", () => {
  expect(limits({})).toEqual({});
  expect(
    limits({
      memory: 0,
      memorySwap: 0,
      memorySwappiness: -1,
      oomKillDisable: false,
      cpus: 0,
      cpuShares: 0,
      cpuPeriod: 0,
      cpuQuota: 0,
      cpusetCpus: "",
      pidsLimit: 0,
      blkioWeight: 0,
      deviceReadBps: [],
    }),
  ).toEqual({});
  expect(limits({ pidsLimit: -1 })).toEqual({});
});

test("memory, and by default as much swap again", () => {
  expect(limits({ memory: 10_000_000 })).toEqual({
    memory: { limit: 10_000_000n, swap: 20_000_000n },
  });
  expect(
    limits({ memory: 10_000_000n, memorySwap: 15_000_000, memoryReservation: 9_000_000 }),
  ).toEqual({
    memory: { limit: 10_000_000n, reservation: 9_000_000n, swap: 15_000_000n },
  });
  expect(limits({ memory: 10_000_000, memorySwap: -1 })).toEqual({
    memory: { limit: 10_000_000n },
  });
  expect(limits({ memory: 10_000_000 }, { ...facts, swapLimit: false })).toEqual({
    memory: { limit: 10_000_000n },
  });
  expect(limits({ memory: 2n ** 62n })).toEqual({ memory: { limit: 2n ** 62n } });
  expect(
    limits({ memory: 10_000_000, memorySwap: -1, memorySwappiness: 0, oomKillDisable: true }),
  ).toEqual({
    memory: { limit: 10_000_000n, swappiness: 0, disableOOMKiller: true },
  });
});

test("nobody ends a container that takes all memory", () => {
  expect(made({ oomKillDisable: true }).extras.warnings).toEqual([
    "--oom-kill-disable without --memory: the container can take all memory of the host, and nothing ends it",
  ]);
});

test("CPU time, CPUs and weights", () => {
  expect(limits({ cpus: 1.5 })).toEqual({ cpu: { period: 100_000n, quota: 150_000n } });
  expect(limits({ cpus: 0.01 })).toEqual({ cpu: { period: 100_000n, quota: 1000n } });
  expect(limits({ cpus: 0.1 + 0.2 })).toEqual({ cpu: { period: 100_000n, quota: 30_000n } });
  expect(limits({ cpuPeriod: 50_000, cpuQuota: -1, cpuShares: 512 })).toEqual({
    cpu: { shares: 512n, period: 50_000n, quota: -1n },
  });
  expect(limits({ cpusetCpus: "0-1", cpusetMems: "0" })).toEqual({
    cpu: { cpus: "0-1", mems: "0" },
  });
});

test("processes and block devices", () => {
  const throttle = { path: "/dev/sda", rate: 7 };
  expect(
    limits({
      pidsLimit: 100,
      blkioWeight: 300,
      blkioWeightDevice: [
        { path: "/dev/sda", weight: 10 },
        { path: "/dev/sda", weight: 0 },
      ],
      deviceReadBps: [throttle],
      deviceWriteBps: [throttle],
      deviceReadIops: [throttle],
      deviceWriteIops: [throttle],
    }),
  ).toEqual({
    pids: { limit: 100n },
    blockIO: {
      weight: 300,
      weightDevice: [{ major: 8, minor: 0, weight: 10 }],
      throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 7n }],
      throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 7n }],
      throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 7n }],
      throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 7n }],
    },
  });
});

test.each<[RunOptions, readonly string[]]>([
  [{ memory: -1 }, ['invalid argument "-1" for "-m, --memory": it is at least 0']],
  [
    { memory: 1.5 },
    ['invalid argument "1.5" for "-m, --memory": it is a whole number, and a bigint beyond 2^53'],
  ],
  [
    { memory: 2 ** 60 },
    [
      'invalid argument "1152921504606847000" for "-m, --memory": it is a whole number, and a bigint beyond 2^53',
    ],
  ],
  [
    { memory: 10_000_000, memoryReservation: 20_000_000 },
    [
      'invalid argument "10000000" for "-m, --memory": the memory limit can not be less than the reservation, 20000000',
    ],
  ],
  [
    { memory: 10_000_000, memorySwap: 5 },
    [
      'invalid argument "5" for "--memory-swap": it is memory and swap together, and so at least the memory limit, 10000000',
    ],
  ],
  [
    { memory: 4096, memoryReservation: 6_291_455 },
    [
      'invalid argument "4096" for "-m, --memory": a container needs 6m (6291456 bytes) at least',
      'invalid argument "6291455" for "--memory-reservation": a container needs 6m (6291456 bytes) at least',
    ],
  ],
  [
    { memorySwap: 5 },
    [
      'invalid argument "5" for "--memory-swap": it is memory and swap together, and needs --memory too',
    ],
  ],
  [
    { memorySwappiness: 101 },
    ['invalid argument "101" for "--memory-swappiness": it goes from -1 to 100'],
  ],
  [
    { cpus: 1, cpuPeriod: 1000, cpuQuota: 1000 },
    ["--cpus: conflicting options: --cpus and --cpu-period both set the quota"],
  ],
  [
    { cpus: 1, cpuQuota: 1000 },
    ["--cpus: conflicting options: --cpus and --cpu-quota both set the quota"],
  ],
  [
    { cpus: 0.001 },
    [
      'invalid argument "0.001" for "--cpus": it is a number of CPUs such as 1.5, and at least 0.01',
    ],
  ],
  [
    { cpus: Number.NaN },
    ['invalid argument "NaN" for "--cpus": it is a number of CPUs such as 1.5, and at least 0.01'],
  ],
  [
    { cpus: 5 },
    [
      'invalid argument "5" for "--cpus": the range of CPUs is from 0.01 to 4.00, as there are only 4 CPUs available',
    ],
  ],
  [
    { cpuPeriod: 999, cpuQuota: 999 },
    [
      'invalid argument "999" for "--cpu-period": it goes from 1000 (1 ms) to 1000000 (1 s)',
      'invalid argument "999" for "--cpu-quota": it is at least 1000 (1 ms)',
    ],
  ],
  [
    { cpuPeriod: 1_000_001 },
    ['invalid argument "1000001" for "--cpu-period": it goes from 0 to 1000000'],
  ],
  [
    { cpuShares: 262_145 },
    ['invalid argument "262145" for "-c, --cpu-shares": it goes from 0 to 262144'],
  ],
  [
    { cpusetCpus: "a", cpusetMems: "1-0" },
    [
      'invalid argument "a" for "--cpuset-cpus": it is a list such as 0-3,7',
      'invalid argument "1-0" for "--cpuset-mems": the range 1-0 ends before it begins; it is a list such as 0-3,7',
    ],
  ],
  [{ pidsLimit: -2 }, ['invalid argument "-2" for "--pids-limit": it is at least -1']],
  [
    { blkioWeight: 5 },
    ['invalid argument "5" for "--blkio-weight": a weight goes from 10 to 1000'],
  ],
  [
    {
      deviceReadBps: [{ path: "/dev/none", rate: 1 }],
      deviceWriteIops: [{ path: "/dev/tty", rate: -1 }],
    },
    [
      'invalid argument "/dev/none" for "--device-read-bps": the host has no block device there',
      'invalid argument "/dev/tty" for "--device-write-iops": the host has no block device there',
      'invalid argument "-1" for "--device-write-iops": it is at least 0',
    ],
  ],
  [
    { blkioWeightDevice: [{ path: "/dev/sda", weight: 9 }] },
    ['invalid argument "9" for "--blkio-weight-device": a weight goes from 10 to 1000'],
  ],
])("limits that cannot be, %#", (options, lines) => {
  expect(linesOf(options, facts)).toEqual(lines);
});
