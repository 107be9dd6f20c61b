// Limits of an ordinary user's containers beside the user's own systemd: from a login, whose cgroup is
// root's, and from the manager's own units. They are in force, and stay so while systemd changes its
// units; with the container its scope goes, however it ends.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { patience } from "../oci/runtime.ts";
import { pivotPath } from "../pivot.ts";
import { isPivot, isUnified, startUserManager, systemctl, USER, whyNotHere } from "./ground.ts";

const why =
  whyNotHere ??
  (isPivot
    ? isUnified
      ? undefined
      : "of cgroups of version 1 an ordinary user gets none"
    : "it is of pivot's engine");

const manager = `/sys/fs/cgroup/user.slice/user-${USER}.slice/user@${USER}.service`;
const limits = ["-m", "64m", "--memory-swap", "64m", "--cpus", "0.5", "--pids-limit", "20"];
const files = ["memory.max", "cpu.max", "pids.max"];
const inForce = ["67108864", "50000 100000", "20"];
const quiet = ["--network", "none"];
const sleep = ["busybox", "sleep", "1000"];

const read = (path: string): string => readFileSync(path, "latin1").trim();
const cgroupOf = (pid: number): string => read(`/proc/${pid}/cgroup`).slice("0::".length);

describe.skipIf(why !== undefined)(`limits of a user's beside systemd (${why ?? "v2"})`, () => {
  const home = `${process.env["PIVOT_WORLD"]}/user`;
  const ids = [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
  let runtime = "";
  let logins = 0;

  const call = (words: readonly string[]) => {
    const [program = "", ...rest] = words;
    const { status, stdout, stderr } = spawnSync(program, rest, {
      encoding: "utf8",
      timeout: 60_000 * patience,
      // One that stays holds what it was given.
      stdio: ["ignore", "pipe", "pipe"],
    });
    return { code: status, stdout: stdout.trimEnd(), stderr: stderr.trimEnd() };
  };
  const asUser = (words: readonly string[]): string[] => {
    const env = [`PATH=${process.env["PATH"]}`, `HOME=${home}`, `XDG_RUNTIME_DIR=${runtime}`];
    return ["setpriv", ...ids, "env", "-i", ...env, "TMPDIR=/tmp", ...words];
  };
  /** A command of pivot's in a session, as logind makes one. */
  const login = (words: readonly string[], before: readonly string[] = []) => {
    const session = `--unit=session-${logins++}`;
    const scope = ["systemd-run", "--quiet", "--scope", `--slice=user-${USER}.slice`, session];
    return call([...scope, ...before, ...asUser([pivotPath, ...words])]);
  };
  /** Another one of the user's manager. */
  const managed = (words: readonly string[], ...properties: readonly string[]) =>
    call(asUser(["systemd-run", "--user", "--quiet", "--scope", ...properties, ...words]));
  const ofUser = (...words: readonly string[]): string => {
    const { code, stdout, stderr } = call(asUser(["systemctl", "--user", ...words]));
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
    return stdout;
  };
  const ok = (...words: readonly string[]): string => {
    const { code, stdout, stderr } = login(words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
    return stdout;
  };
  const pidOf = (name: string) => Number(ok("inspect", "-f", "{{.State.Pid}}", name));
  const monitorOf = (pid: number) =>
    Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
  const scopes = (): string[] =>
    ofUser("list-units", "--all", "--plain", "--no-legend", "--type=scope", "pivot-*")
      .split("\n")
      .filter(Boolean);
  /** Cgroups of containers, wherever in the user's part. */
  const cgroups = (): string[] =>
    (readdirSync(manager, { recursive: true }) as string[]).filter((path) =>
      /\/pivot-[^/]*$/.test(path),
    );
  const untilNone = async (): Promise<void> => {
    const end = Date.now() + 5_000 * patience;
    while (scopes().length > 0 && Date.now() < end) await Bun.sleep(50);
    expect(scopes()).toEqual([]);
    expect(cgroups()).toEqual([]);
  };
  /** All that makes systemd look at its units anew. */
  const disturb = (): void => {
    ofUser("daemon-reload");
    for (const property of ["CPUWeight=50", "MemoryHigh=1G", "Delegate=yes"]) {
      expect(managed(["true"], "-p", property)).toEqual({ code: 0, stdout: "", stderr: "" });
    }
    ofUser("set-property", "--runtime", "user.slice", "CPUWeight=70");
    ofUser("daemon-reload");
  };

  beforeAll(() => {
    runtime = startUserManager();
    mkdirSync(home);
    chownSync(home, USER, USER);
    chmodSync(home, 0o700);
    // Of this world's own a part is read-only, and no user namespace would get one of its own.
    mkdirSync(`${home}.proc`);
    expect(call(["mount", "-t", "proc", "proc", `${home}.proc`]).stderr).toBe("");
    ok("run", "--rm", ...quiet, "busybox", "true"); // the image
  }, 120_000 * patience);
  afterEach(async () => {
    await untilNone().finally(() => {
      // Of a test that failed.
      if (cgroups().length > 0) login(["rm", "-f", "web"]);
    });
  }, 60_000 * patience);
  afterAll(() => {
    call(["umount", `${home}.proc`]);
    systemctl("stop", `user@${USER}.service`);
  });

  const slow = 240_000 * patience;

  test(
    "from a login they are in force, and stay so while systemd changes its units",
    () => {
      const id = ok("run", "-d", "--name", "web", ...quiet, ...limits, ...sleep);
      const pid = pidOf("web");
      const scope = `${manager}/user.slice/pivot-${id}.scope`;
      expect(`/sys/fs/cgroup${cgroupOf(pid)}`).toBe(`${scope}/container`);
      const now = () => files.map((name) => read(`${scope}/container/${name}`));
      expect(now()).toEqual(inForce);
      expect(read(`${scope}/pids.max`)).toBe("max");
      expect(cgroupOf(monitorOf(pid))).toMatch(/\/session-\d+\.scope$/);
      disturb();
      expect(now()).toEqual(inForce);

      // Who comes in is held to them as well.
      const script = "cat /proc/self/cgroup /sys/fs/cgroup/memory.max; tail /dev/zero";
      expect(login(["exec", "web", "sh", "-c", `${script}; echo $?`]).stdout).toBe(
        "0::/\n67108864\n137",
      );
      expect(ok("update", "--cpus", "0.25", "--pids-limit", "9", "web")).toBe("web");
      disturb();
      expect(now()).toEqual(["67108864", "25000 100000", "9"]);
      ok("pause", "web");
      expect(read(`${scope}/container/cgroup.events`)).toContain("frozen 1");
      ok("unpause", "web");
      ok("rm", "-f", "web");
      expect(existsSync(scope)).toBe(false);
    },
    slow,
  );

  test(
    "in a unit of the manager's, too, and no cgroup is made beside it",
    () => {
      const run = [pivotPath, "run", "-d", "--name", "web", ...quiet, ...limits, ...sleep];
      const { code, stdout: id, stderr } = managed(run);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      disturb();
      const container = `${manager}/user.slice/pivot-${id}.scope/container`;
      expect(files.map((name) => read(`${container}/${name}`))).toEqual(inForce);
      expect(cgroups()).toEqual([`user.slice/pivot-${id}.scope`]);
      ok("rm", "-f", "web");
      const seen = [pivotPath, "run", "--rm", ...quiet, ...limits, "busybox", "sh", "-c"];
      expect(managed([...seen, "cat /sys/fs/cgroup/memory.max; exit 7"])).toEqual({
        code: 7,
        stdout: "67108864",
        stderr: "",
      });
    },
    slow,
  );

  test(
    "its scope goes with it, also when all of it is killed, and comes again",
    async () => {
      const again = ["--restart", "on-failure:1"];
      const id = ok("run", "-d", "--name", "web", ...quiet, ...limits, ...again, ...sleep);
      const first = pidOf("web");
      process.kill(first, "SIGKILL");
      let pid = first;
      for (let i = 0; i < 100 * patience && (pid === first || pid === 0); i++) {
        await Bun.sleep(100);
        pid = pidOf("web");
      }
      const container = `${manager}/user.slice/pivot-${id}.scope/container`;
      expect(`/sys/fs/cgroup${cgroupOf(pid)}`).toBe(container);
      process.kill(monitorOf(pid), "SIGKILL");
      await untilNone();
      // At once after a kill as well: before systemd has seen that nobody is in the scope any more.
      ok("start", "web");
      process.kill(monitorOf(pidOf("web")), "SIGKILL");
      ok("start", "web");
      expect(files.map((name) => read(`${container}/${name}`))).toEqual(inForce);
      ok("update", "--restart", "no", "web");
      ofUser("stop", `pivot-${id}.scope`);
      expect(ok("wait", "web")).toMatch(/^(0|143|137)$/);
      ok("rm", "web");
    },
    slow,
  );

  test(
    "systemd is asked for nothing without a limit, nor in what was handed over",
    () => {
      ok("run", "-d", "--name", "free", ...quiet, ...sleep);
      expect(cgroupOf(pidOf("free"))).toMatch(/\/session-\d+\.scope$/);
      expect(scopes()).toEqual([]);
      ok("rm", "-f", "free");
      expect(login(["doctor"]).stdout).toContain("in scopes of this user's systemd: ");
      const script = `cd /sys/fs/cgroup$(sed s/0::// /proc/self/cgroup) && mkdir main &&
        echo 0 >main/cgroup.procs && exec "$@"`;
      const run = [pivotPath, "run", "-d", "--name", "web", ...quiet, ...limits, ...sleep];
      const {
        code,
        stdout: id,
        stderr,
      } = managed(["sh", "-c", script, "sh", ...run], "--unit=handed", "-p", "Delegate=yes");
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const own = `${manager}/app.slice/handed.scope/pivot-${id}`;
      expect(scopes()).toEqual([]);
      disturb();
      expect(files.map((name) => read(`${own}/${name}`))).toEqual(inForce);
      expect(login(["exec", "web", "true"]).stderr).toMatch(
        /^pivot: container web runs in a cgroup /,
      );
      ok("rm", "-f", "web");
    },
    slow,
  );

  test(
    "limits that come later, to one that has none, are told to be systemd's to take",
    () => {
      managed([pivotPath, "run", "-d", "--name", "web", ...quiet, ...sleep]);
      const { code, stderr } = login(["update", "-m", "64m", "--memory-swap", "64m", "web"]);
      expect({ code, stderr }).toEqual({
        code: 0,
        stderr: expect.stringMatching(
          /^pivot: warning: web: it was started without limits, [^\n]*$/,
        ),
      });
      ok("restart", "-t", "0", "web");
      expect(cgroupOf(pidOf("web"))).toMatch(/\/user\.slice\/pivot-\w+\.scope\/container$/);
      expect(login(["update", "-m", "32m", "--memory-swap", "32m", "web"]).stderr).toBe("");
      ok("rm", "-f", "web");
    },
    slow,
  );

  test(
    "where nobody could bring the process there they are named, and it runs",
    () => {
      const hide = (path: string) => [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount -t tmpfs t "$0" && exec "$@"',
        path,
      ];
      const run = ["run", "--rm", ...quiet, ...limits, "busybox", "echo", "it runs"];
      for (const path of ["/run/dbus", `${runtime}/systemd`]) {
        expect(login(run, hide(path))).toEqual({
          code: 0,
          stdout: "it runs",
          stderr: expect.stringMatching(
            /^pivot: warning: not in force: limits of memory, cpu and pids; [^\n]*$/,
          ),
        });
      }
    },
    slow,
  );
});
