// Changes of limits, carried out on a process that runs in cgroups of its own on this machine.

import { afterEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import * as fc from "fast-check";
import { planUpdate } from "../src/cgroup/update.ts";
import { executePlan, type Outcome } from "../src/executor/spawn.ts";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { readPresentLimits } from "../src/host/present-limits.ts";
import type { CgroupLayout } from "../src/planner/facts.ts";
import type { LinuxDeviceCgroup, LinuxResources } from "../src/spec/mod.ts";
import { formatProblem } from "../src/spec/problem.ts";
import { type CgroupProcess, kernel, startInCgroups } from "./cgroup-process.ts";
import { patience } from "./patience.ts";

const here = readCgroupLayout();
const reason =
  process.getuid?.() !== 0
    ? "only root may make cgroups"
    : here.mode === "none"
      ? "there is no mount of cgroups that can be written to"
      : undefined;

let running: CgroupProcess | undefined;

afterEach(async () => {
  const process = running;
  running = undefined;
  await process?.end();
  expect(process?.paths.filter((path) => existsSync(path)) ?? []).toEqual([]);
});

/** A process that sleeps in cgroups of its own, until the test has ended. */
async function start(
  resources: LinuxResources,
  layout: CgroupLayout = here,
  joinAll = true,
): Promise<CgroupProcess> {
  running = await startInCgroups({ resources, layout, joinAll, script: "exec sleep 60" });
  return running;
}

/** Plans new limits for the process with what is in force, and carries the plan out. */
async function update(resources: LinuxResources, layout = here): Promise<Outcome["failure"]> {
  const directories = running?.paths ?? [];
  const present = readPresentLimits(directories, layout);
  const planned = planUpdate({ resources, directories, present, kernel, rootless: false }, layout);
  if (Array.isArray(planned)) throw new Error(planned.map(formatProblem).join("\n"));
  const outcome = await executePlan({ version: 1, steps: planned.steps }, "ignore").outcome;
  return outcome.failure;
}

/** What is in force, without the use of memory, which no update changes. */
function inForce() {
  const { usage: _, ...limits } = readPresentLimits(running?.paths ?? [], here);
  return limits;
}

const MB = 1048576n;

describe.skipIf(reason !== undefined)(`updates of cgroups (${reason ?? here.mode})`, () => {
  test("limits are changed, and what is not named stays", async () => {
    const { paths } = await start({
      memory: { limit: 64n * MB, swap: 128n * MB },
      pids: { limit: 9n },
    });
    expect(inForce()).toMatchObject({ memory: 64n * MB, swap: 128n * MB });
    expect(await update({ memory: { limit: 96n * MB }, pids: { limit: 33n } })).toBeNull();
    expect(inForce()).toMatchObject({ memory: 96n * MB, swap: 128n * MB, quota: null });
    expect(await update({ memory: { limit: -1n }, cpu: { quota: 20000n } })).toBeNull();
    expect(inForce()).toMatchObject({ memory: null, swap: null, quota: 20000n, period: 100000n });
    const pids = paths.map((path) => `${path}/pids.max`).find((file) => existsSync(file)) ?? "";
    expect(readFileSync(pids, "utf8")).toBe("33\n");
  });

  test("the CPUs of a process that joined all are changed, of another they are not", async () => {
    const { pid } = await start({});
    const allowed = () =>
      /^Cpus_allowed_list:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    const before = allowed();
    expect(await update({ cpu: { cpus: "0" } })).toBeNull();
    expect(allowed()).toBe("0");
    expect(await update({ cpu: { cpus: before ?? "" } })).toBeNull();
    expect(allowed()).toBe(before);
  });

  const cpusetInV1 = here.v1.some(({ controllers }) => controllers.includes("cpuset"));
  test.skipIf(!cpusetInV1)(
    `a cpuset that was not joined is refused${cpusetInV1 ? "" : " (skipped: no cpuset in version 1)"}`,
    async () => {
      await start({}, here, false);
      await expect(update({ cpu: { cpus: "0" } })).rejects.toThrow(
        "expected a container that is in a cgroup of cpuset",
      );
    },
  );

  test("the kernel takes every update of memory and CPU in the order that is planned", {
    timeout: 60_000 * patience,
  }, async () => {
    await start({});
    const megabytes = fc.integer({ min: 8, max: 64 }).map((n) => BigInt(n) * MB);
    const memory = fc
      .tuple(fc.option(megabytes), fc.option(megabytes))
      .map(([limit, more]) => ({ limit: limit ?? -1n, swap: (limit ?? 0n) + (more ?? 0n) }))
      .map(({ limit, swap }) => ({ limit, swap: limit < 0n ? -1n : swap }));
    const cpu = fc
      .tuple(fc.integer({ min: 2, max: 900 }), fc.integer({ min: 1, max: 100 }), fc.boolean())
      .map(([period, share, isBursting]) => {
        const quota = BigInt(Math.max(1, Math.floor((period * share) / 100))) * 1000n;
        return { period: BigInt(period) * 1000n, quota, burst: isBursting ? quota / 2n : 0n };
      });
    await fc.assert(
      fc.asyncProperty(memory, cpu, async (newMemory, newCpu) => {
        expect(await update({ memory: newMemory, cpu: newCpu })).toBeNull();
        const { limit, swap } = newMemory;
        expect(inForce()).toMatchObject({
          memory: limit < 0n ? null : limit,
          swap: swap < 0n ? null : swap,
          ...newCpu,
        });
      }),
      { numRuns: 40 },
    );
  });

  test("an update that the kernel refuses says which write it was", async () => {
    await start({});
    const failure = await update({ pids: { limit: 7n }, cpu: { period: 1n } });
    expect(failure).toMatchObject({ errno: 22 });
    expect(inForce().period).toBe(100000n);
  });
});

/** /dev/kmsg is readable for root and not among the devices that a container is promised. */
const kmsg = { type: "c", major: 1, minor: 11 } as const;

const inV1 = here.v1.some(({ controllers }) => controllers.includes("devices"));

const keepers: Readonly<Record<string, CgroupLayout | undefined>> = {
  "version 1": inV1 ? here : undefined,
  "version 2":
    here.v2 === null
      ? undefined
      : { ...here, v1: here.v1.filter(({ controllers }) => !controllers.includes("devices")) },
};

for (const [keeper, layout] of Object.entries(keepers)) {
  const why =
    reason ?? (layout === undefined ? `there is no hierarchy of ${keeper} for it` : undefined);
  describe.skipIf(why !== undefined)(`updates of device rules in ${keeper} (${why ?? ""})`, () => {
    /** Whether a process that moves to the container's cgroup can read the device. */
    function canRead(): boolean {
      const files = (running?.paths ?? []).map((path) => `${path}/cgroup.procs`);
      const join = files.map((file) => `echo $$ >${file}`).join(" && ");
      const script = `${join} && : </dev/kmsg`;
      const { status, stderr } = spawnSync("/bin/sh", ["-c", script], { encoding: "utf8" });
      if (status !== 0) expect(stderr).toMatch(/kmsg: Operation not permitted/);
      return status === 0;
    }

    test("a device is forbidden, allowed, and forbidden again", async () => {
      const rules = (allow: boolean): LinuxDeviceCgroup[] => [{ allow: false }, { allow, ...kmsg }];
      await start({ devices: [{ allow: false }] }, layout);
      expect(canRead()).toBeFalse();
      expect(await update({ devices: rules(true) }, layout)).toBeNull();
      expect(canRead()).toBeTrue();
      expect(await update({ devices: rules(false) }, layout)).toBeNull();
      expect(canRead()).toBeFalse();
      expect(await update({ devices: [{ allow: true }] }, layout)).toBeNull();
      expect(canRead()).toBeTrue();
    });
  });
}
