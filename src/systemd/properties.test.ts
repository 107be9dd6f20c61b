import { expect, test } from "bun:test";
import { deviceRules } from "../cgroup/device-rules.ts";
import { type Value } from "./message.ts";
import { maskOf, type Property, propertiesOfDevices, propertiesOfWrites } from "./properties.ts";

const plain = (value: Value): unknown =>
  "values" in value
    ? value.values.map(plain)
    : value.type === "process"
      ? "process"
      : value.type === "variant"
        ? plain(value.value)
        : value.value;

const shown = (properties: readonly Property[]) =>
  Object.fromEntries(properties.map(({ name, value }) => [name, plain(value)]));

const of = (...writes: readonly (readonly [file: string, text: string])[]) =>
  shown(propertiesOfWrites(writes.map(([file, text]) => ({ file, text, why: "" }))));

const most = 2n ** 64n - 1n;

test("limits of version 2", () => {
  expect(
    of(
      ["memory.max", "67108864"],
      ["memory.swap.max", "max"],
      ["memory.low", "5"],
      ["memory.high", "6"],
      ["memory.min", "7"],
      ["pids.max", "50"],
      ["cpu.weight", "39"],
    ),
  ).toEqual({
    MemoryMax: 67108864n,
    MemorySwapMax: most,
    MemoryLow: 5n,
    MemoryHigh: 6n,
    MemoryMin: 7n,
    TasksMax: 50n,
    CPUWeight: 39n,
  });
});

test("limits of version 1", () => {
  expect(
    of(
      ["memory.limit_in_bytes", "-1"],
      ["cpu.shares", "512"],
      ["cpu.cfs_period_us", "50000"],
      ["cpu.cfs_quota_us", "25000"],
      ["blkio.bfq.weight", "500"],
      ["blkio.throttle.read_bps_device", "8:0 1024"],
    ),
  ).toEqual({
    MemoryLimit: most,
    CPUShares: 512n,
    CPUQuotaPeriodUSec: 50000n,
    CPUQuotaPerSecUSec: 500000n,
    BlockIOWeight: 500n,
    BlockIOReadBandwidth: [["/dev/block/8:0", 1024n]],
  });
});

test("a quota is in microseconds of each second, whole percents, never less than was asked for", () => {
  expect(of(["cpu.max", "25000 100000"])["CPUQuotaPerSecUSec"]).toBe(250000n);
  expect(of(["cpu.max", "1001 100000"])["CPUQuotaPerSecUSec"]).toBe(20000n);
  expect(of(["cpu.max", "max 100000"])["CPUQuotaPerSecUSec"]).toBe(most);
  expect(of(["cpu.cfs_quota_us", "-1"])).toEqual({ CPUQuotaPerSecUSec: most });
  expect(of(["cpu.cfs_period_us", "1000"])).toEqual({ CPUQuotaPeriodUSec: 1000n });
});

test("block devices by their numbers, those of one limit together", () => {
  expect(
    of(
      ["io.weight", "100"],
      ["io.weight", "8:0 200"],
      ["io.max", "8:0 rbps=1024"],
      ["io.max", "8:16 rbps=max wiops=7"],
    ),
  ).toEqual({
    IOWeight: 100n,
    IODeviceWeight: [["/dev/block/8:0", 200n]],
    IOReadBandwidthMax: [
      ["/dev/block/8:0", 1024n],
      ["/dev/block/8:16", most],
    ],
    IOWriteIOPSMax: [["/dev/block/8:16", 7n]],
  });
});

test("CPUs and nodes are masks", () => {
  expect(of(["cpuset.cpus", "0-1,9"], ["cpuset.mems", "0"])).toEqual({
    AllowedCPUs: [3, 2],
    AllowedMemoryNodes: [1],
  });
  for (const list of ["", "a", "3-1", "0-99999999", "-1", "1-"]) {
    expect([list, maskOf(list)]).toEqual([list, undefined]);
  }
});

test("what systemd has no property for, and what is no number, is left to the files", () => {
  expect(
    of(
      ["memory.oom.group", "1"],
      ["hugetlb.2MB.max", "0"],
      ["memory.max", "lots"],
      ["io.latency", "8:0 target=5"],
    ),
  ).toEqual({});
});

test("devices: what is allowed, after what was allowed before is taken back", () => {
  const rules = deviceRules([
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
    { allow: true, type: "b", major: 8, access: "r" },
    { allow: true, type: "c", access: "m" },
  ]);
  const [policy, none, allowed, ...more] = propertiesOfDevices(rules ?? []);
  expect(more).toEqual([]);
  expect(policy).toMatchObject({ name: "DevicePolicy", value: { value: "strict" } });
  expect(none).toMatchObject({ name: "DeviceAllow", value: { values: [] } });
  expect(plain(allowed?.value as Value)).toEqual(
    expect.arrayContaining([
      ["/dev/char/10:229", "rw"],
      ["block-8", "r"],
      ["char-*", "m"],
      ["/dev/char/1:3", "rwm"],
      ["char-136", "rwm"],
    ]),
  );
});

test("devices: where all but some are allowed, systemd is told to allow all", () => {
  const rules = deviceRules([
    { allow: true },
    { allow: false, type: "b", major: 8, minor: 0, access: "rwm" },
  ]);
  expect(shown(propertiesOfDevices(rules ?? []))).toEqual({
    DevicePolicy: "auto",
    DeviceAllow: [],
  });
});
