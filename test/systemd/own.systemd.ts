// What pivot does beyond its peers where systemd keeps its containers: what it refuses, what it leaves
// behind when it fails or is killed, the bus, restore, and users with a systemd of their own.

import { describe, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { isAlive, textOf } from "../oci/ground.ts";
import { runtimeName, runtimeWords } from "../oci/runtime.ts";
import { compileC } from "../pivot.ts";
import {
  isPivot,
  isUnified,
  scopeGround,
  show,
  slice,
  startUserManager,
  systemctl,
  USER,
  untilGone,
  whyNotHere,
} from "./ground.ts";

const whyNotOwn = whyNotHere ?? (isPivot ? undefined : "it is of pivot's inside");

describe.skipIf(whyNotOwn !== undefined)(`scopes of pivot (${whyNotOwn ?? runtimeName})`, () => {
  const { ground, global, settings, bundleFor, start, remove } = scopeGround("own");

  // Of cgroups of version 1 an ordinary user gets none.
  test.skipIf(!isUnified)(
    `a user's container is in a scope of the user's own${isUnified ? "" : ": not where cgroups are of version 1"}`,
    async () => {
      const runtime = startUserManager();
      chmodSync(ground.directory, 0o755);
      const { bundle, unit } = bundleFor((config) => {
        config.linux["cgroupsPath"] = (config.linux["cgroupsPath"] as string).replace(slice, "");
        config.linux["resources"] = { pids: { limit: 20 } };
        // This world's /proc is partly read-only, and so refused in a user namespace.
        config.mounts = config.mounts.filter(({ type }) => type !== "proc");
        config.linux.namespaces.push({ type: "user" });
        for (const each of ["uidMappings", "gidMappings"]) {
          config.linux[each] = [{ containerID: 0, hostID: 0, size: 1 }];
        }
      });
      const id = ground.id();
      const ids = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
      // As podman does it: who is root in a user namespace of theirs, with mounts of their own.
      const own = ["unshare", "--user", "--map-root-user", "--mount"];
      const environment = ["env", `XDG_RUNTIME_DIR=${runtime}`];
      const before = ["setpriv", ...ids, ...own, ...environment];
      const asUser = {
        ...settings,
        before,
        global: ["--root", `${runtime}/oci`, "--systemd-cgroup"],
      };
      try {
        ground.ok(["run", "--detach", "--bundle", bundle, id], asUser);
        const manager = `/sys/fs/cgroup/user.slice/user-${USER}.slice/user@${USER}.service`;
        const cgroup = `${manager}/user.slice/${unit}`;
        const { pid } = JSON.parse(ground.ok(["state", id], asUser).stdout);
        expect(readFileSync(`${cgroup}/cgroup.procs`, "utf8").trim()).toBe(String(pid));
        expect(readFileSync(`${cgroup}/pids.max`, "utf8").trim()).toBe("20");
        ground.ok(["update", "--pids-limit", "30", id], asUser);
        expect(readFileSync(`${cgroup}/pids.max`, "utf8").trim()).toBe("30");
        // From here, which is outside of what is the user's: systemd brings the process in.
        const pidFile = `${runtime}/exec.pid`;
        const sleeping = ["sleep", "1000"];
        const owner = { ...asUser, before: ["setpriv", ...ids, ...environment] };
        ground.ok(["exec", "--detach", "--pid-file", pidFile, id, ...sleeping], owner);
        const further = readFileSync(pidFile, "utf8").trim();
        expect(readFileSync(`/proc/${further}/cgroup`, "utf8")).toEndWith(`/user.slice/${unit}\n`);
        ground.ok(["delete", "--force", id], asUser);
        for (let i = 0; i < 100 && existsSync(cgroup); i++) await Bun.sleep(50);
        expect(existsSync(cgroup)).toBe(false);
      } finally {
        // Wherever it has failed: it would be left over in all tests that follow.
        ground.call(["delete", "--force", id], asUser);
        systemctl("stop", `user@${USER}.service`);
      }
    },
  );

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
    expect(line).toMatch(/cannot have systemd make the scope .*UnitExists.*delete that one first/);
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
