// Fields of a configuration about sharing the machine, looked at from inside.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { type BundleConfig, runBundle } from "./bundle.ts";
import { Ground, whyNot } from "./pivot.ts";
import { makeSmallRoot } from "./small-root.ts";

const ground = new Ground("schedule");
const root = makeSmallRoot(ground, "root");

const run = (command: readonly string[], change: (config: BundleConfig) => void) =>
  runBundle(ground, root, command, change);

/** What the script says inside; anything but success throws. */
function said(script: string, change: (config: BundleConfig) => void): string {
  const ran = run(["/bin/sh", "-c", script], change);
  if (ran.code !== 0) throw new Error(`code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trim();
}

/** proc_pid_stat(5): the fields nice, rt_priority and policy. */
function scheduled(change: (config: BundleConfig) => void): string[] {
  const words = said("cat /proc/self/stat", change)
    .replace(/^.*\) /, "")
    .split(" ");
  return [words[16] ?? "", words[37] ?? "", words[38] ?? ""];
}

const inUserNamespace = ({ linux }: BundleConfig): void => {
  (linux["namespaces"] as unknown[]).push({ type: "user" });
  linux["uidMappings"] = [{ containerID: 0, hostID: 0, size: 65536 }];
  linux["gidMappings"] = [{ containerID: 0, hostID: 0, size: 65536 }];
};

/** A filter that lets nothing of this be set by the process itself. */
const filtered = ({ linux }: BundleConfig): void => {
  linux["seccomp"] = {
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      {
        names: ["personality", "set_mempolicy", "sched_setattr", "ioprio_set"],
        action: "SCMP_ACT_KILL_PROCESS",
      },
    ],
  };
};

/** A kernel with CONFIG_RT_GROUP_SCHED and cgroups v1: the cgroup says how long they may run. */
const groupsRealtime = existsSync("/sys/fs/cgroup/cpu/cpu.rt_runtime_us");

describe.skipIf(whyNot !== undefined)(`schedule (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  const schedulers: readonly (readonly [Record<string, unknown>, expected: string[]])[] = [
    [{ policy: "SCHED_OTHER", nice: -7 }, ["-7", "0", "0"]],
    [{ policy: "SCHED_BATCH", nice: 5 }, ["5", "0", "3"]],
    [{ policy: "SCHED_IDLE" }, ["0", "0", "5"]],
    [{ policy: "SCHED_FIFO", priority: 10 }, ["0", "10", "1"]],
    [{ policy: "SCHED_RR", priority: 3 }, ["0", "3", "2"]],
  ];
  for (const [scheduler, expected] of schedulers) {
    test(`scheduler ${JSON.stringify(scheduler)}, also in a user namespace`, () => {
      const ask = ({ process, linux }: BundleConfig): void => {
        process["scheduler"] = scheduler;
        if (groupsRealtime) linux["resources"] = { cpu: { realtimeRuntime: 10_000 } };
      };
      expect(scheduled(ask)).toEqual(expected);
      expect(
        scheduled((config) => {
          ask(config);
          filtered(config);
          inUserNamespace(config);
        }),
      ).toEqual(expected);
    });
  }

  test("SCHED_DEADLINE has its three times, and what cannot be is refused in one line", () => {
    const deadline = { runtime: 1_000_000, deadline: 5_000_000, period: 10_000_000 };
    const times = said("exec cat /proc/self/sched", ({ process }) => {
      process["scheduler"] = { policy: "SCHED_DEADLINE", ...deadline };
    });
    expect(times).toMatch(/^policy +: +6$/m);
    expect(times).toMatch(/^dl\.runtime +: +[\d-]+$/m);
    const never = run(["/bin/true"], ({ process }) => {
      process["scheduler"] = { policy: "SCHED_DEADLINE", runtime: 9, deadline: 5, period: 1 };
    });
    expect(never).toMatchObject({ code: 125, stdout: "" });
    expect(never.stderr).toMatch(/^pivot: cannot schedule by SCHED_DEADLINE .*EINVAL[^\n]*\n$/);
    const iso = run(["/bin/true"], ({ process }) => {
      process["scheduler"] = { policy: "SCHED_ISO" };
    });
    expect(iso.stderr).toBe(
      "pivot: process.scheduler.policy: Linux has no SCHED_ISO: use SCHED_RR or SCHED_FIFO\n",
    );
  });

  test.skipIf(!groupsRealtime)("a realtime process in a cgroup without time for such", () => {
    const { stderr } = run(["/bin/true"], ({ process }) => {
      process["scheduler"] = { policy: "SCHED_FIFO", priority: 1 };
    });
    expect(stderr).toMatch(/^pivot: cannot schedule by SCHED_FIFO .*EPERM.*realtimeRuntime\n$/);
  });

  test("the I/O priority", () => {
    const found = (ioPriority: Record<string, unknown>) =>
      said("/bin/busybox ionice -p $$", (config) => {
        config.process["ioPriority"] = ioPriority;
        inUserNamespace(config);
      });
    expect(found({ class: "IOPRIO_CLASS_BE", priority: 7 })).toBe("best-effort: prio 7");
    expect(found({ class: "IOPRIO_CLASS_RT", priority: 2 })).toBe("realtime: prio 2");
    expect(found({ class: "IOPRIO_CLASS_IDLE", priority: 0 })).toStartWith("idle");
  });

  test("LINUX32 has uname(2) name a 32-bit processor; a filter meanwhile is not in the way", () => {
    const machine = (domain: string) =>
      said("/bin/busybox uname -m", (config) => {
        config.linux["personality"] = { domain };
        filtered(config);
      });
    const native = process.arch === "arm64" ? "aarch64" : "x86_64";
    expect(machine("LINUX")).toBe(native);
    expect(machine("LINUX32")).toBe(native === "x86_64" ? "i686" : "armv8l");
  });

  test("the memory policy is that of numa_maps, and a node that is not there is refused", () => {
    const first = (memoryPolicy: Record<string, unknown>) =>
      said("cat /proc/self/numa_maps", (config) => {
        config.linux["memoryPolicy"] = memoryPolicy;
        filtered(config);
      }).split(/\s/)[1];
    expect(first({ mode: "MPOL_DEFAULT" })).toBe("default");
    expect(first({ mode: "MPOL_LOCAL", nodes: "" })).toBe("local");
    expect(first({ mode: "MPOL_BIND", nodes: "0", flags: ["MPOL_F_STATIC_NODES"] })).toBe(
      "bind=static:0",
    );
    expect(first({ mode: "MPOL_INTERLEAVE", nodes: "0", flags: [] })).toBe("interleave:0");
    const refused = (nodes: string) =>
      run(["/bin/true"], ({ linux }) => {
        linux["memoryPolicy"] = { mode: "MPOL_BIND", nodes };
      }).stderr;
    expect(refused("1000")).toMatch(/^pivot: cannot set the memory policy MPOL_BIND [^\n]+\n$/);
    expect(refused("3-1")).toMatch(/^pivot: linux\.memoryPolicy\.nodes: expected [^\n]+"3-1"\n$/);
  });
});
