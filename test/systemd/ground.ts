// The ground that tests with a real systemd stand on: how it is asked, and containers in scopes.

import { spawnSync } from "node:child_process";
import { chownSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { type Change, OciGround } from "../oci/ground.ts";
import { patience, runtimeName, whyNot } from "../oci/runtime.ts";

/** Why there is no systemd to test with, in words; undefined: there is. */
export const whyNotHere =
  whyNot ??
  (existsSync("/run/systemd/private") && process.env["PIVOT_WORLD"] !== undefined
    ? undefined
    : "npm run test:systemd makes what it stands on");
export const isPivot = runtimeName === "pivot";
export const isUnified = existsSync("/sys/fs/cgroup/cgroup.controllers");

export const systemctl = (...words: readonly string[]): string => {
  const { stdout, stderr, status } = spawnSync("systemctl", words, { encoding: "utf8" });
  if (status !== 0 && words[0] !== "is-active") throw new Error(`systemctl ${words}: ${stderr}`);
  return stdout.trim();
};

export const show = (unit: string, property: string): string =>
  systemctl("show", "--property", property, "--value", unit);

export const slice = "pivottest-a.slice";
export const inSlice = "/pivottest.slice/pivottest-a.slice";

/** Until the unit is gone: systemd forgets it a moment after it has ended. */
export const untilGone = async (unit: string): Promise<void> => {
  for (let i = 0; i < 100 * patience; i++) {
    if (show(unit, "LoadState") === "not-found") return;
    await Bun.sleep(50);
  }
  throw new Error(`${unit} is still there: ${systemctl("show", unit)}`);
};

/** daemon, who is in every Debian. */
export const USER = 1;

/** A systemd of the user's own, without any unit; its run-time directory. */
export function startUserManager(): string {
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

/** For one test file: a ground, and containers of which each has a scope of its own. */
export function scopeGround(theme: string) {
  const ground = new OciGround(theme);
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

  const remove = async (id: string, unit: string): Promise<void> => {
    ground.ok(["delete", "--force", id], settings);
    await untilGone(unit);
  };
  return { ground, global, settings, bundleFor, start, remove };
}
