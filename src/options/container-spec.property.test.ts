import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { CAPABILITIES } from "../spec/capability.ts";
import { formatProblem, parseSpecValue } from "../spec/mod.ts";
import { containerSpec } from "./container-spec.ts";
import type { ContainerFacts } from "./facts.ts";
import type { ImageConfig } from "./image-config.ts";
import type { RunOptions } from "./options.ts";
import { formatOptionProblem } from "./problem.ts";
import { hostFacts, rootlessFacts } from "./testing/facts.ts";

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("a", "web", "1", "ALL", "a\0b"),
);
const path = fc.oneof(
  fc.constantFrom(
    "/",
    "/a",
    "/a/b",
    "/b",
    "/c/d",
    "/sys",
    "/dev",
    "/dev/shm",
    "/proc",
    "rel",
    "",
    "/a/../..",
    "/a\0",
  ),
  fc.string({ maxLength: 8 }).map((name) => `/${name}`),
);
const count = fc.oneof(
  fc.integer({ min: -3, max: 5000 }),
  fc.bigInt({ min: -2n, max: 2n ** 65n }),
  fc.double(),
);
const mode = fc.oneof(
  fc.constantFrom("private" as const, "host" as const),
  fc.record({ container: fc.constantFrom("web", "gone") }),
  fc.record({ path }),
);
const optional = { requiredKeys: [] };
const words = fc.array(text, { maxLength: 3 });

const mount = fc.oneof(
  fc.record(
    {
      type: fc.constant("bind" as const),
      source: path,
      target: path,
      readonly: fc.boolean(),
      recursive: fc.constantFrom("enabled", "disabled", "writable", "readonly"),
      propagation: fc.constantFrom("private", "rprivate", "shared", "rshared", "slave", "rslave"),
      createSource: fc.boolean(),
    },
    { requiredKeys: ["type", "source", "target"] },
  ),
  fc.record(
    {
      type: fc.constant("tmpfs" as const),
      target: path,
      size: count,
      mode: fc.nat(5000),
      options: words,
    },
    { requiredKeys: ["type", "target"] },
  ),
);
/** Of memory; most are enough for a container. */
const amount = fc.oneof(count, fc.bigInt({ min: 6n << 20n, max: 1n << 62n }));
const throttles = fc.array(fc.record({ path: fc.constantFrom("/dev/sda", "/x"), rate: count }), {
  maxLength: 2,
});

const options: fc.Arbitrary<RunOptions> = fc.record(
  {
    name: text,
    hostname: text,
    domainname: text,
    user: text,
    groupAdd: words,
    workdir: path,
    env: fc.dictionary(text, fc.option(text)),
    entrypoint: words,
    labels: fc.dictionary(text, text),
    tty: fc.boolean(),
    init: fc.boolean(),
    readOnly: fc.boolean(),
    privileged: fc.boolean(),
    capAdd: fc.array(fc.constantFrom("ALL", "net_admin", "CAP_CHOWN", "x"), { maxLength: 2 }),
    capDrop: fc.array(fc.constantFrom("ALL", "net_raw", "CAP_CHOWN", "x"), { maxLength: 2 }),
    securityOpt: fc.record(
      {
        seccomp: fc.constantFrom("default" as const, "unconfined" as const),
        noNewPrivileges: fc.boolean(),
        mask: fc.array(path, { maxLength: 2 }),
        unmask: fc.oneof(fc.constant("ALL" as const), fc.array(path, { maxLength: 2 })),
      },
      optional,
    ),
    procOptions: fc.record(
      {
        hidepid: fc.constantFrom("off" as const, "invisible" as const),
        subset: fc.constant("pid" as const),
      },
      optional,
    ),
    pid: mode,
    uts: mode,
    cgroupns: mode,
    userns: mode,
    network: fc.oneof(mode, fc.constant("none" as const), fc.record({ network: text })),
    ipc: fc.oneof(mode, fc.constantFrom("none" as const, "shareable" as const)),
    timeOffsets: fc.record({ boottime: fc.double(), monotonic: fc.integer() }, optional),
    sysctls: fc.dictionary(fc.constantFrom("net.a", "kernel.sem", "kernel.panic", "net/x"), text),
    ulimits: fc.array(
      fc.record({ name: fc.constantFrom("nofile", "core"), soft: count, hard: count }),
      { maxLength: 1 },
    ),
    memory: amount,
    memorySwap: count,
    memoryReservation: amount,
    memorySwappiness: fc.integer({ min: -2, max: 102 }),
    oomScoreAdj: fc.integer({ min: -1001, max: 1001 }),
    cpus: fc.double(),
    cpuShares: count,
    cpuPeriod: count,
    cpuQuota: count,
    cpusetCpus: fc.oneof(text, fc.constant("0-3,7")),
    pidsLimit: count,
    blkioWeight: fc.integer({ min: -1, max: 1001 }),
    deviceReadBps: throttles,
    deviceWriteIops: throttles,
    shmSize: count,
    mounts: fc.array(mount, { maxLength: 4 }),
    tmpfs: fc.dictionary(path, fc.constantFrom("", "size=1m,exec", "bind")),
    devices: fc.array(
      fc.record(
        { source: fc.constantFrom("/dev/sda", "/x"), target: path },
        { requiredKeys: ["source"] },
      ),
      { maxLength: 2 },
    ),
    dns: words,
    umask: fc.integer({ min: -1, max: 600 }),
    stopSignal: fc.oneof(text, fc.nat(70)),
  },
  optional,
);

const image: fc.Arbitrary<ImageConfig | null> = fc.option(
  fc.record(
    {
      Entrypoint: fc.option(words),
      Cmd: fc.option(words),
      Env: fc.array(
        fc.oneof(
          text,
          fc.tuple(text, text).map(([name, value]) => `${name}=${value}`),
        ),
      ),
      User: text,
      WorkingDir: path,
      Volumes: fc.oneof(fc.array(path), fc.dictionary(path, fc.constant({}))),
      StopSignal: fc.constantFrom("SIGINT", "9", "x"),
    },
    optional,
  ),
);

const known = {
  containers: { web: { pid: 7, hostname: "web", shm: "/shm" } },
  devices: {
    "/dev/sda": [
      { path: "/dev/sda", type: "b" as const, major: 8, minor: 0, mode: 0o660, uid: 0, gid: 6 },
    ],
  },
  shm: "/run/shm",
};
const facts: fc.Arbitrary<ContainerFacts> = fc
  .record({
    base: fc.constantFrom(hostFacts, rootlessFacts),
    kernel: fc.constantFrom([4, 18] as const, [5, 12] as const, [6, 18] as const),
    cgroups: fc.constantFrom("v1" as const, "v2" as const, "hybrid" as const, "none" as const),
    capabilities: fc.subarray([...CAPABILITIES]),
  })
  .map(({ base, ...rest }) => ({ ...base, ...known, ...rest }));

/** One option at a time is right more often than many. */
const few = options.chain((all) =>
  fc.subarray(Object.keys(all), { maxLength: 4 }).map((names): RunOptions => {
    const kept = Object.entries(all).filter(([name]) => names.includes(name));
    return Object.fromEntries(kept);
  }),
);

test("whatever is asked for, there is a valid configuration or a line for each problem", () => {
  let valid = 0;
  let runs = 0;
  fc.assert(
    fc.property(
      image,
      words,
      fc.oneof(few, few, few, few, options),
      facts,
      (config, command, given, machine) => {
        runs += 1;
        const result = containerSpec(config, command, given, machine);
        if (!result.ok) {
          expect(result.problems.length).toBeGreaterThan(0);
          for (const problem of result.problems) {
            expect(formatOptionProblem(problem)).toMatch(/^[\P{Cc}]+: [\P{Cc}]+$/u);
          }
          return;
        }
        valid += 1;
        const read = parseSpecValue(result.spec);
        expect(read.ok ? [] : read.problems.map(formatProblem)).toEqual([]);
        const names = (result.spec.process?.env ?? []).map((entry) => entry.split("=")[0]);
        expect(new Set(names).size).toBe(names.length);
        const targets = (result.spec.mounts ?? []).map(({ destination }) => destination);
        expect(new Set(targets).size).toBe(targets.length);
        const { bounding = [] } = result.spec.process?.capabilities ?? {};
        expect(bounding.filter((name) => !machine.capabilities.includes(name))).toEqual([]);
      },
    ),
    { numRuns: 1500 },
  );
  // The property says little unless enough of the configurations are made.
  expect(valid / runs).toBeGreaterThan(0.1);
});
