// Containers in scopes of a real systemd: process 1 of the machine that tools/systemd-world.sh makes.
// The demands hold for any OCI runtime: PIVOT_TEST_RUNTIME.

import { describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { type Change, isAlive, OciGround, textOf } from "../oci/ground.ts";
import { patience, runtimeName, runtimeWords, whyNot } from "../oci/runtime.ts";
import { compileC } from "../pivot.ts";

const whyNotHere =
  whyNot ??
  (existsSync("/run/systemd/private") && process.env["PIVOT_WORLD"] !== undefined
    ? undefined
    : "npm run test:systemd makes what it stands on");
const isPivot = runtimeName === "pivot";
const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");

const systemctl = (...words: readonly string[]): string => {
  const { stdout, stderr, status } = spawnSync("systemctl", words, { encoding: "utf8" });
  if (status !== 0 && words[0] !== "is-active") throw new Error(`systemctl ${words}: ${stderr}`);
  return stdout.trim();
};

const show = (unit: string, property: string): string =>
  systemctl("show", "--property", property, "--value", unit);

/** A file of the scope's cgroup: of version 2, or of the hierarchy of a controller. */
const file = (cgroup: string, controller: string, name: string): string => {
  const mount = isUnified ? "/sys/fs/cgroup" : `/sys/fs/cgroup/${controller}`;
  return readFileSync(`${mount}${cgroup}/${name}`, "utf8").trim();
};

/** daemon, who is in every Debian. */
const USER = 1;

/** A systemd of the user's own, without any unit; its run-time directory. */
function startUserManager(): string {
  const runtime = `/run/user/${USER}`;
  mkdirSync(`${runtime}/systemd/user`, { recursive: true });
  writeFileSync(`${runtime}/systemd/user/none.target`, "[Unit]\nDefaultDependencies=no\n");
  for (const path of ["", "/systemd", "/systemd/user"]) chownSync(`${runtime}${path}`, USER, USER);
  writeFileSync(
    "/run/systemd/system/user@.service",
    `[Unit]
DefaultDependencies=no
[Service]
Type=notify
User=%i
Slice=user-%i.slice
Delegate=yes
Environment=XDG_RUNTIME_DIR=${runtime}
ExecStart=/usr/lib/systemd/systemd --user --unit=none.target
`,
  );
  systemctl("daemon-reload");
  systemctl("start", `user@${USER}.service`);
  return runtime;
}

const slice = "pivottest-a.slice";
const inSlice = "/pivottest.slice/pivottest-a.slice";

describe.skipIf(whyNotHere !== undefined)(`scopes (${whyNotHere ?? runtimeName})`, () => {
  const ground = new OciGround("scope");
  const global = ["--root", ground.root, "--systemd-cgroup"];
  const settings = { global, timeout: 30_000 };
  let count = 0;

  /** A bundle for a scope of its own, and the scope's name. */
  const bundleFor = (change: Change = () => undefined) => {
    const name = `${ground.tag}-${count++}`;
    const bundle = ground.bundle((config) => {
      config.linux["cgroupsPath"] = `${slice}:unit:${name}`;
      change(config);
    });
    return { bundle, unit: `unit-${name}.scope`, cgroup: `${inSlice}/unit-${name}.scope` };
  };

  const start = (change?: Change) => {
    const made = bundleFor(change);
    const id = ground.id();
    ground.ok(["create", "--bundle", made.bundle, id], settings);
    ground.ok(["start", id], settings);
    return { ...made, id, pid: ground.state(id).pid ?? 0 };
  };

  /** Until the unit is gone: systemd forgets it a moment after it has ended. */
  const untilGone = async (unit: string): Promise<void> => {
    for (let i = 0; i < 100 * patience; i++) {
      if (show(unit, "LoadState") === "not-found") return;
      await Bun.sleep(50);
    }
    throw new Error(`${unit} is still there: ${systemctl("show", unit)}`);
  };

  const remove = async (id: string, unit: string): Promise<void> => {
    ground.ok(["delete", "--force", id], settings);
    await untilGone(unit);
  };

  test("a container is in its slice, in every hierarchy, and delete takes the scope away", async () => {
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
  });

  test("limits are properties of the scope and lie in the files, also after a reload", async () => {
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
  });

  test("devices that are not allowed cannot be opened, also after a reload", async () => {
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

  test("pause, resume, ps, events and kill --all", async () => {
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

  // Of cgroups of version 1 an ordinary user gets none.
  test.skipIf(!isPivot || !isUnified)(
    "a user's container is in a scope of the user's own",
    async () => {
      const runtime = startUserManager();
      chmodSync(ground.directory, 0o755);
      const { bundle, unit } = bundleFor((config) => {
        config.linux["cgroupsPath"] = (config.linux["cgroupsPath"] as string).replace(slice, "");
        config.linux["resources"] = { pids: { limit: 20 } };
        config.linux.namespaces.push({ type: "user" });
        for (const each of ["uidMappings", "gidMappings"]) {
          config.linux[each] = [{ containerID: 0, hostID: USER, size: 1 }];
        }
      });
      const id = ground.id();
      const ids = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
      const before = ["setpriv", ...ids, "env", `XDG_RUNTIME_DIR=${runtime}`];
      const asUser = {
        ...settings,
        before,
        global: ["--root", `${runtime}/oci`, "--systemd-cgroup"],
      };
      ground.ok(["run", "--detach", "--bundle", bundle, id], asUser);
      const manager = `/sys/fs/cgroup/user.slice/user-${USER}.slice/user@${USER}.service`;
      const cgroup = `${manager}/user.slice/${unit}`;
      const { pid } = JSON.parse(ground.ok(["state", id], asUser).stdout);
      expect(readFileSync(`${cgroup}/cgroup.procs`, "utf8").trim()).toBe(String(pid));
      expect(readFileSync(`${cgroup}/pids.max`, "utf8").trim()).toBe("20");
      ground.ok(["update", "--pids-limit", "30", id], asUser);
      expect(readFileSync(`${cgroup}/pids.max`, "utf8").trim()).toBe("30");
      ground.ok(["delete", "--force", id], asUser);
      for (let i = 0; i < 100 && existsSync(cgroup); i++) await Bun.sleep(50);
      expect(existsSync(cgroup)).toBe(false);
      systemctl("stop", `user@${USER}.service`);
    },
  );

  describe.skipIf(!isPivot)("as pivot has it", () => {
    test("the default is pivot-ID.scope in system.slice", async () => {
      const id = ground.id();
      const bundle = ground.bundle((config) => {
        delete config.linux["cgroupsPath"];
      });
      ground.ok(["run", "--detach", "--bundle", bundle, id], settings);
      expect(show(`pivot-${id}.scope`, "ControlGroup")).toBe(`/system.slice/pivot-${id}.scope`);
      await remove(id, `pivot-${id}.scope`);
    });

    test("a scope that another container has is refused in one line, and left alone", async () => {
      const { id, unit, bundle, pid } = start();
      const line = ground.refused(["create", "--bundle", bundle, ground.id()], settings);
      expect(line).toMatch(
        /cannot have systemd make the scope .*UnitExists.*delete that one first/,
      );
      expect(isAlive(pid)).toBe(true);
      expect(show(unit, "ActiveState")).toBe("active");
      await remove(id, unit);
    });

    test("what systemd does not know is refused in one line, and nothing stays", async () => {
      const { bundle, unit } = bundleFor((config) => {
        config["annotations"] = { "org.systemd.property.NoSuchThing": "true" };
      });
      const line = ground.refused(["create", "--bundle", bundle, ground.id()], settings);
      expect(line).toMatch(/NoSuchThing.*names no property of a scope/);
      await untilGone(unit);
      const path = ground.bundle((config) => {
        config.linux["cgroupsPath"] = "/no/scope";
      });
      expect(ground.refused(["create", "--bundle", path, ground.id()], settings)).toContain(
        '"SLICE:PREFIX:NAME"',
      );
    });

    test("one that fails later has no scope any more, and one that is killed neither", async () => {
      const failing = bundleFor((config) => {
        config.process["args"] = ["/no/such/program"];
      });
      ground.refused(["create", "--bundle", failing.bundle, ground.id()], settings);
      await untilGone(failing.unit);
      // While a hook holds the making up, when the scope is there.
      const held = bundleFor((config) => {
        config["hooks"] = {
          createRuntime: [
            {
              path: "/bin/sh",
              args: ["sh", "-c", "echo >$0; exec sleep 1000", `${ground.directory}/held`],
            },
          ],
        };
      });
      const [program = "", ...words] = runtimeWords;
      const id = ground.id();
      const call = [...words, ...global, "create", "--bundle", held.bundle, id];
      const child = spawn(program, call, { stdio: "ignore" });
      const ended = new Promise((resolve) => child.on("exit", resolve));
      await textOf(`${ground.directory}/held`);
      expect(show(held.unit, "ActiveState")).toBe("active");
      child.kill("SIGKILL");
      await ended;
      ground.ok(["delete", "--force", id], settings);
      await untilGone(held.unit);
    });

    test("by way of the bus, where systemd's own socket is not to be had", async () => {
      const hidden = {
        ...settings,
        before: [
          "unshare",
          "--mount",
          "sh",
          "-c",
          'mount -t tmpfs t /run/systemd && mkdir /run/systemd/system && exec "$@"',
          "sh",
        ],
      };
      const { bundle, unit, cgroup } = bundleFor();
      const id = ground.id();
      ground.ok(["run", "--detach", "--bundle", bundle, id], hidden);
      expect(show(unit, "ControlGroup")).toBe(cgroup);
      ground.ok(["update", "--pids-limit", "9", id], hidden);
      expect(show(unit, "TasksMax")).toBe("9");
      ground.ok(["delete", "--force", id], hidden);
      await untilGone(unit);
    });

    test("delete works where systemd is gone, and says so", async () => {
      const { id, unit } = start();
      const before = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs t /run/systemd && exec "$@"',
        "sh",
      ];
      const { code, stderr } = ground.call(["delete", "--force", id], { ...settings, before });
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(
          /^pivot-oci: warning: cannot have systemd stop [^\n]*systemd does not run here[^\n]*\n$/,
        ),
      });
      // It was there all the time, and could not be told; most often it has seen the end by itself.
      spawnSync("systemctl", ["stop", unit]);
      await untilGone(unit);
    });

    test("without systemd there is one clear line", () => {
      const { bundle } = bundleFor();
      const before = [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs t /run/systemd && exec "$@"',
        "sh",
      ];
      const words = ["create", "--bundle", bundle, ground.id()];
      const line = ground.refused(words, { ...settings, before });
      expect(line).toMatch(/--systemd-cgroup: systemd does not run here.*use cgroups without it/);
    });

    test("restore makes the scope around CRIU, and who is brought back is in it", async () => {
      const bin = `${ground.directory}/bin`;
      mkdirSync(bin);
      copyFileSync(compileC("oci/criu.c"), `${bin}/criu`);
      const withCriu = { ...settings, env: { PATH: `${bin}:${process.env["PATH"]}` } };
      const { id, unit, bundle, cgroup } = start();
      const images = ground.path("images");
      ground.ok(["checkpoint", "--image-path", images, id], withCriu);
      await untilGone(unit);
      const again = ground.id();
      const words = ["--bundle", bundle, "--image-path", images];
      ground.call(["restore", "--detach", ...words, again], withCriu);
      const { pid, status } = ground.state(again);
      expect(status).toBe("running");
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(cgroup);
      expect(show(unit, "ActiveState")).toBe("active");
      await remove(again, unit);
      writeFileSync(`${images}/fail`, "");
      ground.refused(["restore", "--detach", ...words, ground.id()], withCriu);
      await untilGone(unit);
    });

    test("the slices of the tests are all that is left", () => {
      const units = systemctl("list-units", "--all", "--plain", "--no-legend", "--type", "scope");
      expect(units.split("\n").filter((line) => line.includes(ground.tag))).toEqual([]);
      expect(readdirSync(ground.root).filter((name) => name.includes(ground.tag))).toEqual([]);
    });
  });
});
