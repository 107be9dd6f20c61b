// Statistics and ends for want of memory, of real cgroups; beside what runc says of the same.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { readStats } from "../src/host/stats.ts";
import { defaultConfig, writeConfig } from "../src/oci/default-config.ts";
import { oomWatch } from "../src/oci/oom-watch.ts";
import { makeBusyboxRoot } from "../src/oci/testing/bundle.ts";
import type { CgroupLayout } from "../src/planner/facts.ts";
import { writeJson } from "../src/spec/mod.ts";
import { type CgroupProcess, startInCgroups } from "./cgroup-process.ts";
import { patience } from "./patience.ts";

const layout = readCgroupLayout();
const reason =
  process.getuid?.() !== 0
    ? "only root may make cgroups"
    : layout.mode === "none"
      ? "there is no mount of cgroups that can be written to"
      : undefined;

const scratch = mkdtempSync(`${tmpdir()}/pivot-stats-`);
afterAll(() => rmSync(scratch, { recursive: true }));

let running: CgroupProcess | undefined;
afterEach(async () => {
  const process = running;
  running = undefined;
  await process?.end();
});

const MB = 1048576n;

describe.skipIf(reason !== undefined)(`statistics (${reason ?? layout.mode})`, () => {
  test("limits and use of a process are seen", async () => {
    const resources = {
      memory: { limit: 64n * MB, swap: 96n * MB },
      pids: { limit: 17n },
      cpu: { quota: 10000n },
    };
    const script = "while :; do :; done";
    running = await startInCgroups({ resources, layout, joinAll: true, script });
    await Bun.sleep(400);
    const { cpu, memory, pids } = readStats(running.paths, layout);
    expect(pids).toEqual({ current: 1n, limit: 17n });
    expect(memory.usage.limit).toBe(64n * MB);
    expect(memory.swap.limit).toBe(96n * MB);
    expect(memory.usage.usage).toBeGreaterThan(4095n);
    // A tenth of a CPU for a while: a tenth of a second at most, and throttled time and again.
    expect(cpu.usage.total).toBeGreaterThan(5_000_000n);
    expect(cpu.usage.total).toBeLessThan(1_000_000_000n);
    expect(cpu.throttling.throttledPeriods).toBeGreaterThan(0n);
  });

  test("each end for want of memory is told, and the end of the cgroup ends the watch", {
    timeout: 20_000 * patience,
  }, async () => {
    const resources = { memory: { limit: 8n * MB, swap: 8n * MB } };
    const hog = "tail /dev/zero; sleep 0.4; tail /dev/zero; sleep 60";
    running = await startInCgroups({
      resources,
      layout,
      joinAll: true,
      script: `sleep 0.2; ${hog}`,
    });
    const signal = new AbortController().signal;
    const seen: number[] = [];
    for await (const ends of oomWatch(running.paths, layout, signal)) {
      seen.push(ends);
      if (seen.length === 2) await running.end();
    }
    expect(seen).toEqual([1, 1]);
  });
});

const hasRunc = spawnSync("runc", ["--version"]).status === 0;
const withoutPeer = reason ?? (hasRunc ? undefined : "runc is not installed");

/** A container of runc that sleeps; `use` gets its pid. */
function withRunc(use: (runc: (...args: string[]) => string, id: string, pid: number) => void) {
  const bundle = mkdtempSync(`${scratch}/bundle-`);
  mkdirSync(`${bundle}/rootfs`);
  makeBusyboxRoot(`${bundle}/rootfs`);
  const spec = defaultConfig({ rootless: null, cgroupNamespace: layout.mode === "v2" });
  const given = spec.process;
  if (given === undefined) throw new Error("the default configuration has no process");
  const text = writeConfig({
    ...spec,
    process: { ...given, terminal: false, args: ["sleep", "60"] },
    linux: {
      ...spec.linux,
      resources: {
        ...spec.linux?.resources,
        memory: { limit: 64n * MB, swap: 128n * MB },
        pids: { limit: 32n },
        cpu: { quota: 50000n, period: 100000n },
      },
    },
  });
  writeFileSync(`${bundle}/config.json`, text);
  const id = `pivot-stats-${process.pid}`;
  const runc = (...args: string[]): string => {
    const all = ["--root", `${scratch}/runc`, ...args];
    const { status, stdout, stderr } = spawnSync("runc", all, {
      encoding: "utf8",
      // What a container inherits would have to be waited for.
      stdio: args[0] === "run" ? "ignore" : ["ignore", "pipe", "pipe"],
    });
    if (status !== 0) throw new Error(`runc ${args.join(" ")}: ${stderr}`);
    return stdout;
  };
  runc("run", "-d", "-b", bundle, "--pid-file", `${bundle}/pid`, id);
  try {
    use(runc, id, Number(readFileSync(`${bundle}/pid`, "utf8")));
  } finally {
    runc("delete", "-f", id);
  }
}

/** The cgroups of a process that are below those of the machine, as directories of the host. */
function directoriesOf(pid: number, { v1, v2 }: CgroupLayout): string[] {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  return lines.flatMap((line) => {
    const [, controllers = "", path = ""] = line.split(":");
    const mount =
      controllers === ""
        ? v2?.mount
        : v1.find((hierarchy) => hierarchy.controllers.join(",") === controllers)?.mount;
    return mount === undefined || !existsSync(mount + path) ? [] : [mount + path];
  });
}

/** The names in a document, without its numbers. */
const shape = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map(shape)
    : typeof value === "object" && value !== null
      ? Object.fromEntries(Object.entries(value).map(([name, part]) => [name, shape(part)]))
      : typeof value;

/** What runc shows of version 2 since 1.2. */
function withoutNews(text: string) {
  const { cpu, memory, ...rest } = JSON.parse(text);
  const { psi: _cpu, ...ofCpu } = cpu;
  const { psi: _memory, usage, ...ofMemory } = memory;
  const { max: _max, ...ofUsage } = usage;
  const { psi: _io, ...blkio } = rest.blkio;
  return { ...rest, cpu: ofCpu, memory: { ...ofMemory, usage: ofUsage }, blkio };
}

const isOldPeer = (): boolean =>
  /version 1\.[01]\./.test(spawnSync("runc", ["--version"], { encoding: "utf8" }).stdout);

describe.skipIf(withoutPeer !== undefined)(`beside runc (${withoutPeer ?? layout.mode})`, () => {
  test("the same names, and of a container that sleeps the same numbers", () => {
    withRunc((runc, id, pid) => {
      const look = () => {
        const theirs = JSON.parse(runc("events", "--stats", id)).data;
        const text = writeJson(readStats(directoriesOf(pid, layout), layout));
        const ours = layout.mode === "v2" && isOldPeer() ? withoutNews(text) : JSON.parse(text);
        // In hybrid cgroups runc does not look at version 2.
        if (layout.mode === "hybrid") ours.hugetlb = {};
        return { theirs, ours };
      };
      let { theirs, ours } = look();
      // A count that has just left zero, and so has a name, is in the later of the two alone.
      for (let i = 0; i < 5 && !Bun.deepEquals(shape(ours), shape(theirs)); i++) {
        ({ theirs, ours } = look());
      }
      expect(shape(ours)).toEqual(shape(theirs));
      for (const part of ["pids", "cpuset", "blkio", "intel_rdt", "network_interfaces"]) {
        expect(ours[part]).toEqual(theirs[part]);
      }
      for (const part of ["usage", "swap", "kernel", "kernelTCP"]) {
        expect(ours.memory[part].limit).toBe(theirs.memory[part].limit);
      }
      expect(ours.memory.usage.limit).toBe(67108864);
      const difference = ours.cpu.usage.total - theirs.cpu.usage.total;
      expect(difference).toBeGreaterThanOrEqual(0);
      expect(difference).toBeLessThan(50_000_000);
    });
  });
});
