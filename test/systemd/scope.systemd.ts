// Containers in scopes of a real systemd: process 1 of the machine that tools/systemd-world.sh makes.
// The demands hold for any OCI runtime: PIVOT_TEST_RUNTIME.

import { describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { isAlive } from "../oci/ground.ts";
import { demand, runtimeName, runtimeWords } from "../oci/runtime.ts";
import {
  isPivot,
  isUnified,
  scopeGround,
  show,
  slice,
  systemctl,
  untilGone,
  whyNotHere,
} from "./ground.ts";

/** A file of the scope's cgroup: of version 2, or of the hierarchy of a controller. */
const file = (cgroup: string, controller: string, name: string): string => {
  const mount = isUnified ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controller}`;
  return readFileSync(`${mount}${cgroup}/${name}`, "utf8").trim();
};

describe.skipIf(whyNotHere !== undefined)(`scopes (${whyNotHere ?? runtimeName})`, () => {
  const { ground, global, settings, bundleFor, start, remove } = scopeGround("scope");

  demand(
    "a container is in its slice, in every hierarchy, and delete takes the scope away",
    async () => {
      const { bundle, unit, cgroup } = bundleFor();
      const id = ground.id();
      ground.ok(["create", "--bundle", bundle, id], settings);
      const { pid, status } = ground.state(id);
      expect(status).toBe("created");
      const lines = readFileSync(`/proc/${pid}/cgroup`, "utf8").trim().split("\n");
      // crun and runc leave a hierarchy alone that they do not know.
      for (const line of isPivot ? lines : lines.slice(-1)) {
        expect(line.slice(line.indexOf("/"))).toBe(cgroup);
      }
      expect(show(unit, "Slice")).toBe(slice);
      expect(show(unit, "Delegate")).toBe("yes");
      expect(show(unit, "ActiveState")).toBe("active");
      ground.ok(["start", id], settings);
      expect(ground.ok(["exec", id, "/bin/cat", "/proc/self/cgroup"], settings).stdout).toContain(
        cgroup,
      );
      ground.ok(["kill", id, "KILL"], settings);
      await ground.until(id, "stopped");
      ground.ok(["delete", id], settings);
      await untilGone(unit);
    },
  );

  demand(
    "limits are properties of the scope and lie in the files, also after a reload",
    async () => {
      const { id, unit, cgroup } = start((config) => {
        Object.assign(config.linux.resources, {
          memory: { limit: 67108864 },
          cpu: { quota: 25000, period: 100000, cpus: "0" },
          pids: { limit: 50 },
        });
      });
      const files = () =>
        isUnified
          ? [
              file(cgroup, "memory", "memory.max"),
              file(cgroup, "cpu", "cpu.max"),
              file(cgroup, "pids", "pids.max"),
              file(cgroup, "cpuset", "cpuset.cpus"),
            ]
          : [
              file(cgroup, "memory", "memory.limit_in_bytes"),
              `${file(cgroup, "cpu", "cpu.cfs_quota_us")} ${file(cgroup, "cpu", "cpu.cfs_period_us")}`,
              file(cgroup, "pids", "pids.max"),
              file(cgroup, "cpuset", "cpuset.cpus"),
            ];
      const expected = ["67108864", "25000 100000", "50", "0"];
      expect(files()).toEqual(expected);
      expect(show(unit, isUnified ? "MemoryMax" : "MemoryLimit")).toBe("67108864");
      expect(show(unit, "TasksMax")).toBe("50");
      expect(show(unit, "CPUQuotaPerSecUSec")).toBe("250ms");
      expect(show(unit, "AllowedCPUs")).toBe("0");
      systemctl("daemon-reload");
      expect(files()).toEqual(expected);

      ground.ok(["update", "--memory", "134217728", "--pids-limit", "77", id], settings);
      systemctl("daemon-reload");
      expect(files()).toEqual(["134217728", "25000 100000", "77", "0"]);
      expect(show(unit, "TasksMax")).toBe("77");
      await remove(id, unit);
    },
  );

  demand("devices that are not allowed cannot be opened, also after a reload", async () => {
    const { id, unit } = start((config) => {
      config.linux["devices"] = [{ path: "/dev/control", type: "c", major: 10, minor: 237 }];
    });
    const open = () => ground.call(["exec", id, "/bin/cat", "/dev/control"], settings).stderr;
    expect(open()).toContain("Operation not permitted");
    expect(show(unit, "DevicePolicy")).toBe("strict");
    systemctl("daemon-reload");
    expect(open()).toContain("Operation not permitted");
    if (isPivot) {
      const devices = [
        { allow: false, access: "rwm" },
        { allow: true, type: "c", major: 10, minor: 237, access: "rw" },
      ];
      const input = JSON.stringify({ devices });
      ground.ok(["update", "--resources", "-", id], { ...settings, input });
      expect(open()).not.toContain("Operation not permitted");
      systemctl("daemon-reload");
      expect(open()).not.toContain("Operation not permitted");
    }
    await remove(id, unit);
  });

  demand("pause, resume, ps, events and kill --all", async () => {
    const { id, unit } = start((config) => {
      config.process["args"] = ["/bin/sh", "-c", "/bin/sleep 1000 & /bin/sleep 1000 & wait"];
    });
    ground.ok(["pause", id], settings);
    expect(ground.state(id).status).toBe("paused");
    ground.ok(["resume", id], settings);
    expect(ground.state(id).status).toBe("running");
    const pids = JSON.parse(ground.ok(["ps", "--format", "json", id], settings).stdout);
    // runc 1.1.5 finds none where version 2 is mounted beside version 1.
    if (isPivot || isUnified) expect(pids.length).toBe(3);
    expect(ground.ok(["events", "--stats", id], settings).stdout).toContain('"memory"');
    ground.ok(["kill", "--all", id, "KILL"], settings);
    await ground.until(id, "stopped");
    expect((pids ?? []).filter(isAlive)).toEqual([]);
    ground.ok(["delete", id], settings);
    await untilGone(unit);
  });

  test("delete --force ends what runs beside the first process, and what is paused", async () => {
    const { id, unit, pid } = start((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "pid");
      config.process["args"] = ["/bin/sh", "-c", "/bin/sleep 1000 & /bin/sleep 1000"];
    });
    ground.ok(["pause", id], settings);
    await remove(id, unit);
    expect(isAlive(pid)).toBe(false);
  });

  test("`run` leaves no scope behind, and gives the program's exit code", async () => {
    const { bundle, unit } = bundleFor((config) => {
      config.process["args"] = ["/bin/sh", "-c", "exit 7"];
    });
    expect(ground.call(["run", "--bundle", bundle, ground.id()], settings).code).toBe(7);
    await untilGone(unit);
  });

  test("annotations are properties of the scope", async () => {
    const { id, unit } = start((config) => {
      config["annotations"] = {
        "org.systemd.property.TimeoutStopUSec": "uint64 7000000",
        "org.systemd.property.CollectMode": "'inactive-or-failed'",
      };
    });
    expect(show(unit, "TimeoutStopUSec")).toBe("7s");
    expect(show(unit, "CollectMode")).toBe("inactive-or-failed");
    await remove(id, unit);
  });

  test("twenty at once", async () => {
    const all = Array.from({ length: 20 }, () => ({ ...bundleFor(), id: ground.id() }));
    const [program = "", ...words] = runtimeWords;
    const codes = await Promise.all(
      all.map(
        ({ bundle, id }) =>
          new Promise((resolve) =>
            spawn(program, [...words, ...global, "run", "-d", "--bundle", bundle, id], {
              stdio: "ignore",
            }).on("exit", resolve),
          ),
      ),
    );
    expect(codes).toEqual(all.map(() => 0));
    for (const { unit } of all) expect(show(unit, "ActiveState")).toBe("active");
    for (const { id, unit } of all) await remove(id, unit);
  }, 120_000);
});
