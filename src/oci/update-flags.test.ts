import { expect, test } from "bun:test";
import { joinResources, readUpdateFlag, updateFlagNames } from "./update-flags.ts";

const read = (name: string, text: string) => {
  const flag = readUpdateFlag(name, text);
  if (!flag.ok) throw new Error(flag.problem);
  return flag.resources;
};

const problem = (name: string, text: string): string => {
  const flag = readUpdateFlag(name, text);
  if (flag.ok) throw new Error("there is no problem");
  return flag.problem;
};

test("each flag has its place", () => {
  const texts: Record<string, string> = { "cpuset-cpus": "0-3", "cpuset-mems": "0" };
  const all = updateFlagNames
    .filter((name) => !name.endsWith("-schema"))
    .map((name, i) => read(name, texts[name] ?? (name === "cpu-idle" ? "1" : String(i + 10))));
  expect(joinResources(all)).toEqual({
    memory: { limit: 10n, swap: 11n, reservation: 12n, kernel: 13n, kernelTCP: 14n },
    cpu: {
      period: 15n,
      quota: 16n,
      burst: 17n,
      shares: 18n,
      realtimePeriod: 19n,
      realtimeRuntime: 20n,
      idle: 1,
      cpus: "0-3",
      mems: "0",
    },
    pids: { limit: 24n },
    blockIO: { weight: 25 },
  });
});

test("sizes have units, and -1 is no limit", () => {
  expect(read("memory", "64m")).toEqual({ memory: { limit: 67108864n } });
  expect(read("memory-reservation", "1.5GiB")).toEqual({ memory: { reservation: 1610612736n } });
  expect(read("memory-swap", "-1")).toEqual({ memory: { swap: -1n } });
  expect(read("cpu-quota", "-1")).toEqual({ cpu: { quota: -1n } });
  expect(read("pids-limit", "-1")).toEqual({ pids: { limit: -1n } });
});

test("what is empty, and a count of 0, changes nothing", () => {
  expect(read("memory", "")).toEqual({});
  expect(read("pids-limit", "0")).toEqual({});
  expect(read("blkio-weight", "0")).toEqual({});
  expect(read("cpu-burst", "0")).toEqual({ cpu: { burst: 0n } });
});

test("schemas of Intel's are no resources", () => {
  expect(readUpdateFlag("l3-cache-schema", "L3:0=f")).toEqual({
    ok: true,
    resources: {},
    intelRdt: { l3CacheSchema: "L3:0=f" },
  });
  expect(readUpdateFlag("mem-bw-schema", "MB:0=50")).toMatchObject({
    intelRdt: { memBwSchema: "MB:0=50" },
  });
});

test("later flags overrule earlier ones, field by field", () => {
  const all = [read("memory", "1g"), read("memory-swap", "2g"), read("memory", "512m")];
  expect(joinResources(all)).toEqual({ memory: { limit: 536870912n, swap: 2147483648n } });
});

test("what is wrong is said with the flag", () => {
  expect(problem("memory", "64x")).toBe(
    '--memory: expected a size such as 512m or 1.5g, or -1 for no limit, received "64x"',
  );
  expect(problem("memory", "-2")).toContain('received "-2"');
  expect(problem("cpu-period", "1.5")).toBe(
    '--cpu-period: expected a whole number, received "1.5"',
  );
  expect(problem("cpu-share", "-1")).toBe(
    '--cpu-share: expected a whole number from 0 to 18446744073709551615, received "-1"',
  );
  expect(problem("cpu-idle", "2")).toBe(
    '--cpu-idle: expected a whole number from 0 to 1, received "2"',
  );
  expect(problem("cpuset-cpus", "one")).toContain("--cpuset-cpus: expected a list of CPUs");
  expect(problem("memory-limit", "1")).toBe("--memory-limit: update has no such flag");
});
