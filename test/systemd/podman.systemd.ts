// podman with its cgroup manager systemd, as it is on every machine with systemd: the runtime under
// test gets --systemd-cgroup, and podman looks for the container in the scope that it has asked for.

import { beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { makeRootfs } from "../oci/ground.ts";
import { demand, patience, runtimeName, runtimeWords, whyNot } from "../oci/runtime.ts";

const world = process.env["PIVOT_WORLD"];
const whyNotHere =
  whyNot ??
  (existsSync("/run/systemd/private") && world !== undefined
    ? Bun.which("podman") === null || Bun.which("conmon") === null
      ? "podman and conmon are not installed"
      : undefined
    : "npm run test:systemd makes what it stands on");

const base = `${world}/podman`;

describe.skipIf(whyNotHere !== undefined)(
  `podman with systemd (${whyNotHere ?? runtimeName})`,
  () => {
    const run = (program: string, words: readonly string[]): string => {
      const { stdout, stderr, status } = spawnSync(program, words, {
        encoding: "utf8",
        env: {
          ...process.env,
          CONTAINERS_CONF: `${base}/containers.conf`,
          CONTAINERS_STORAGE_CONF: `${base}/storage.conf`,
        },
        timeout: 60_000 * patience,
      });
      expect({ words, status, stderr: status === 0 ? "" : stderr }).toEqual({
        words,
        status: 0,
        stderr: "",
      });
      return stdout.trim();
    };
    const podman = (...words: readonly string[]): string =>
      run("podman", ["--runtime", "oci", "--tmpdir", `${base}/tmp`, ...words]);
    const show = (unit: string, property: string): string =>
      run("systemctl", ["show", "--property", property, "--value", unit]);

    beforeAll(() => {
      mkdirSync(`${base}/rootfs`, { recursive: true });
      makeRootfs(`${base}/rootfs`);
      const words = runtimeWords.map((word) => `'${word}'`).join(" ");
      writeFileSync(`${base}/oci`, `#!/bin/sh\nexec ${words} "$@"\n`);
      chmodSync(`${base}/oci`, 0o755);
      writeFileSync(
        `${base}/containers.conf`,
        `[containers]
default_ulimits = ["nofile=20000:20000", "nproc=32768:32768"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "systemd"
events_logger = "file"
[engine.runtimes]
oci = ["${base}/oci"]
`,
      );
      writeFileSync(
        `${base}/storage.conf`,
        `[storage]\ndriver = "overlay"\ngraphroot = "${base}/root"\nrunroot = "${base}/run"\n`,
      );
      run("sh", ["-c", `tar -C '${base}/rootfs' -cf '${base}/root.tar' .`]);
      podman("import", `${base}/root.tar`, "box");
    }, 120_000 * patience);

    demand(
      "a container of podman's is in the scope that it names",
      () => {
        podman(
          "run",
          "-d",
          "--name",
          "a",
          "--network",
          "none",
          "--cgroupns",
          "host",
          "--pids-limit",
          "55",
          "box",
          "sleep",
          "1000",
        );
        const id = podman("inspect", "a", "--format", "{{.Id}}");
        const unit = `libpod-${id}.scope`;
        expect(show(unit, "ControlGroup")).toBe(`/machine.slice/${unit}`);
        expect(podman("inspect", "a", "--format", "{{.State.CgroupPath}}")).toContain(
          `/machine.slice/${unit}`,
        );
        expect(show(unit, "TasksMax")).toBe("55");
        expect(podman("exec", "a", "cat", "/proc/self/cgroup")).toContain(unit);
        expect(podman("stats", "--no-stream", "--format", "{{.Name}} {{.PIDs}}", "a")).toBe("a 1");
        podman("pause", "a");
        expect(podman("inspect", "a", "--format", "{{.State.Status}}")).toBe("paused");
        podman("unpause", "a");
        podman("rm", "--force", "--time", "0", "a");
        expect(show(unit, "LoadState")).toBe("not-found");
      },
      120_000,
    );

    test(
      "one that has ended leaves no scope",
      () => {
        const said = podman(
          "run",
          "--rm",
          "--cgroupns",
          "host",
          "--network",
          "none",
          "box",
          "cat",
          "/proc/self/cgroup",
        );
        const unit = /libpod-[0-9a-f]+\.scope/.exec(said)?.[0] ?? "-";
        expect(said).toContain(`/machine.slice/${unit}`);
        expect(show(unit, "LoadState")).toBe("not-found");
      },
      120_000 * patience,
    );
  },
);
