// Limits, read back from the kernel's own files outside the container, and felt inside.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync } from "node:fs";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { until } from "./detached.ts";
import { Ground, type Running, whyNot } from "./pivot.ts";

const layout = readCgroupLayout();
const reason = whyNot ?? (layout.mode === "none" ? "there are no cgroups" : undefined);
const ground = new Ground("limits", reason);

/** A file of one controller in the cgroup of a process: by version 1's name and version 2's. */
function fileOf({ pid }: Running, controller: string, v1: string, v2: string): string {
  const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
  const pathOf = (wanted: string) =>
    lines
      .map((line) => line.split(":"))
      .find(([, name = ""]) => name.split(",").includes(wanted))?.[2];
  const hierarchy = layout.v1.find(({ controllers }) => controllers.includes(controller));
  if (hierarchy !== undefined) return `${hierarchy.mount}${pathOf(controller)}/${v1}`;
  return `${layout.v2?.mount}${pathOf("")}/${v2}`;
}

const isV1 = (controller: string): boolean =>
  layout.v1.some(({ controllers }) => controllers.includes(controller));

const read = (path: string): string => readFileSync(path, "utf8").trim();

async function withContainer(flags: string[], look: (running: Running) => void): Promise<void> {
  const running = await ground.start(flags);
  try {
    look(running);
  } finally {
    await running.stop();
  }
}

/** The numbers of the device that holds the ground's directory, or null when it is none. */
function ownDisk(): string | null {
  const { dev } = statSync(ground.directory);
  const major = (dev >> 8) & 0xfff;
  const minor = dev & 0xff;
  const sys = `/sys/dev/block/${major}:${minor}`;
  return major > 0 && existsSync(sys) && !existsSync(`${sys}/partition`)
    ? `${major}:${minor}`
    : null;
}

describe.skipIf(reason !== undefined)(`limits (${reason ?? layout.mode})`, () => {
  afterAll(() => ground.close());

  test("--memory, and with it as much swap again", async () => {
    await withContainer(["-m", "64m"], (running) => {
      const file = fileOf(running, "memory", "memory.limit_in_bytes", "memory.max");
      expect(read(file)).toBe("67108864");
      const swap = fileOf(running, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
      if (existsSync(swap)) expect(read(swap)).toBe(isV1("memory") ? "134217728" : "67108864");
    });
  });

  test("--memory-swap counts memory in; the same number means no swap", async () => {
    await withContainer(["-m", "64m", "--memory-swap", "64m"], (running) => {
      const swap = fileOf(running, "memory", "memory.memsw.limit_in_bytes", "memory.swap.max");
      if (existsSync(swap)) expect(read(swap)).toBe(isV1("memory") ? "67108864" : "0");
    });
  });

  test("--memory-reservation", async () => {
    await withContainer(["-m", "64m", "--memory-reservation", "32m"], (running) => {
      const file = fileOf(running, "memory", "memory.soft_limit_in_bytes", "memory.low");
      expect(read(file)).toBe("33554432");
    });
  });

  test("--cpus is a quota of a period", async () => {
    await withContainer(["--cpus", "0.5"], (running) => {
      const quota = fileOf(running, "cpu", "cpu.cfs_quota_us", "cpu.max");
      const period = fileOf(running, "cpu", "cpu.cfs_period_us", "cpu.max");
      const found = isV1("cpu") ? `${read(quota)} ${read(period)}` : read(quota);
      expect(found).toBe("50000 100000");
    });
  });

  test("--cpu-quota, --cpu-period and --cpu-shares", async () => {
    const flags = ["--cpu-quota", "30000", "--cpu-period", "60000", "--cpu-shares", "512"];
    await withContainer(flags, (running) => {
      const quota = fileOf(running, "cpu", "cpu.cfs_quota_us", "cpu.max");
      const period = fileOf(running, "cpu", "cpu.cfs_period_us", "cpu.max");
      expect(isV1("cpu") ? `${read(quota)} ${read(period)}` : read(quota)).toBe("30000 60000");
      if (isV1("cpu")) expect(read(fileOf(running, "cpu", "cpu.shares", ""))).toBe("512");
    });
  });

  test("--cpuset-cpus is where its processes may run, as the scheduler has it", async () => {
    await withContainer(["--cpuset-cpus", "0"], (running) => {
      expect(read(fileOf(running, "cpuset", "cpuset.cpus", "cpuset.cpus"))).toBe("0");
      const status = read(`/proc/${running.pid}/status`);
      expect(/^Cpus_allowed_list:\s*(.*)$/m.exec(status)?.[1]).toBe("0");
    });
  });

  test("--pids-limit, and -1 is none", async () => {
    for (const [given, shown] of [
      ["17", "17"],
      ["-1", "max"],
    ] as const) {
      await withContainer(["--pids-limit", given], (running) => {
        expect(read(fileOf(running, "pids", "pids.max", "pids.max"))).toBe(shown);
      });
    }
  });

  const disk = ownDisk();
  test.skipIf(disk === null)(
    `--device-read-bps and its kin (${disk ?? "the directory is on no disk of its own"})`,
    async () => {
      const device = `/dev/${/^DEVNAME=(.*)$/m.exec(read(`/sys/dev/block/${disk}/uevent`))?.[1]}`;
      const flags =
        `--device-read-bps ${device}:1mb --device-write-bps ${device}:2mb --device-read-iops ${device}:30 --device-write-iops ${device}:40`.split(
          " ",
        );
      await withContainer(flags, (running) => {
        const shown = (v1: string): string =>
          read(fileOf(running, "blkio", `blkio.throttle.${v1}`, "io.max"));
        if (isV1("blkio")) {
          expect(shown("read_bps_device")).toBe(`${disk} 1048576`);
          expect(shown("write_bps_device")).toBe(`${disk} 2097152`);
          expect(shown("read_iops_device")).toBe(`${disk} 30`);
          expect(shown("write_iops_device")).toBe(`${disk} 40`);
        } else {
          expect(shown("")).toBe(`${disk} rbps=1048576 wbps=2097152 riops=30 wiops=40`);
        }
      });
    },
  );

  test("without limits the kernel has none either", async () => {
    await withContainer([], (running) => {
      expect(read(fileOf(running, "pids", "pids.max", "pids.max"))).toBe("max");
      const memory = read(fileOf(running, "memory", "memory.limit_in_bytes", "memory.max"));
      expect(memory === "max" || BigInt(memory) > 1n << 60n).toBeTrue();
    });
  });

  test("a fork bomb stops at --pids-limit, and ends with the container", async () => {
    const bomb = "f() { f | f & }; f; echo ready; sleep 1000";
    const running = await ground.start(["--pids-limit", "20"], ["busybox", "sh", "-c", bomb]);
    const stopped = () => read(fileOf(running, "pids", "pids.events", "pids.events"));
    await until(() => /^max [1-9]/.test(stopped()), "a process too many was asked for");
    expect(
      Number(read(fileOf(running, "pids", "pids.current", "pids.current"))),
    ).toBeLessThanOrEqual(20);
    await running.stop();
    await ground.expectNothingLeft();
  });

  test("who takes more memory than there is, is killed: 137", () => {
    const ran = ground.run(["-m", "16m", "--memory-swap", "16m", "busybox", "tail", "/dev/zero"]);
    expect(ran).toMatchObject({ code: 137, stdout: "" });
  });

  test("--shm-size is the size of /dev/shm", () => {
    const size = "df -k /dev/shm | tail -1 | tr -s ' ' | cut -d' ' -f2";
    expect(ground.shell(["--shm-size", "3m"], size)).toBe("3072");
    expect(ground.shell([], size)).toBe("65536");
  });

  test("--sysctl sets it inside and not outside", () => {
    const before = read("/proc/sys/net/ipv4/ip_forward");
    const other = before === "1" ? "0" : "1";
    const flags = ["--sysctl", `net.ipv4.ip_forward=${other}`, "--sysctl", "kernel.shmmni=1234"];
    const script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmni";
    expect(ground.shell(flags, script)).toBe(`${other}\n1234`);
    expect(read("/proc/sys/net/ipv4/ip_forward")).toBe(before);
    expect(read("/proc/sys/kernel/shmmni")).not.toBe("1234");
  });
});
