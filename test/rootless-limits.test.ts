// Limits of an ordinary user's containers, where a part of the cgroups is delegated to the user: they are in
// force, and all that works by cgroups works; and what is said outside of that part.

import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { DelegatedCgroups, whyNotDelegated } from "./delegated-cgroups.ts";
import { until } from "./detached.ts";
import { OrdinaryUser } from "./ordinary-user.ts";

const why = whyNotDelegated();
const about = (name: string): string => (why === undefined ? name : `${name} (skipped: ${why})`);

const quiet = ["--network", "none"] as const;
const limits = ["-m", "64m", "--pids-limit", "20", "--cpus", "0.5"] as const;
const sleep = ["busybox", "sleep", "1000"] as const;
const noneDelegated =
  "no cgroup is delegated to this user: have a systemd of theirs run (`loginctl enable-linger`), or start it by `systemd-run --user --scope -p Delegate=yes`\n";

describe.skipIf(why !== undefined)(about("limits of an ordinary user's containers"), () => {
  const user = new OrdinaryUser("range");
  let cgroups: DelegatedCgroups;

  const within = async (cgroup: string, words: readonly string[]) => {
    const { code, stdout, stderr } = await user.pivot(words, { cgroup });
    return { code, stdout: stdout.trimEnd(), stderr };
  };
  /** Expects a command in the user's scope to go well, and without a word of warning. */
  const ok = async (...words: readonly string[]): Promise<string> => {
    const { code, stdout, stderr } = await within(cgroups.scope, words);
    expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
    return stdout;
  };
  const pidOf = async (name: string) => Number(await ok("inspect", "-f", "{{.State.Pid}}", name));
  /** The container's cgroup, as the kernel has it. */
  const cgroupOf = (pid: number): string =>
    `/sys/fs/cgroup${readFileSync(`/proc/${pid}/cgroup`, "latin1").trim().slice("0::".length)}`;
  const read = (path: string): string => readFileSync(path, "latin1").trim();
  const containers = () => readdirSync(cgroups.slice).filter((name) => name.startsWith("pivot-"));

  beforeAll(async () => {
    cgroups = new DelegatedCgroups();
    await user.ok("run", "--rm", ...quiet, "busybox", "true"); // the image
  });
  afterEach(async () => {
    await user.expectNobody();
    expect(containers()).toEqual([]);
  });
  afterAll(async () => {
    // Of a test that failed.
    const left = (await ok("ps", "-aq")).split("\n");
    if (left[0] !== "") await ok("rm", "-f", ...left);
    await user.expectNobody();
    cgroups.remove();
    user.drop();
  });

  test("are in force, seen, changed, and felt", async () => {
    await ok("run", "-d", "--name", "web", ...quiet, ...limits, ...sleep);
    const pid = await pidOf("web");
    const cgroup = cgroupOf(pid);
    expect(`${cgroups.slice}/${containers()[0]}`).toBe(cgroup);
    const file = (name: string) => read(`${cgroup}/${name}`);
    expect(["memory.max", "memory.swap.max", "pids.max", "cpu.max"].map(file)).toEqual([
      "67108864",
      "67108864",
      "20",
      "50000 100000",
    ]);
    const monitor = Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]);
    expect(cgroupOf(monitor)).toBe(cgroups.scope);
    expect(await ok("stats", "--no-stream", "--format", "{{.MemUsage}}, {{.PIDs}}")).toMatch(
      /iB \/ 64MiB, 1$/,
    );

    await ok("pause", "web");
    expect(file("cgroup.events")).toContain("frozen 1");
    expect(await ok("inspect", "-f", "{{.State.Status}}", "web")).toBe("paused");
    await ok("unpause", "web");
    expect(file("cgroup.events")).toContain("frozen 0");

    await ok("update", "-m", "32m", "--memory-swap", "32m", "--pids-limit", "9", "web");
    expect(["memory.max", "pids.max"].map(file)).toEqual(["33554432", "9"]);
    const fork = "for i in 1 2 3 4 5 6 7 8 9; do sleep 0.1 & done; wait";
    const forking = await within(cgroups.scope, ["exec", "web", "sh", "-c", fork]);
    expect(forking.stderr).toContain("can't fork: Resource temporarily unavailable");
    expect((await within(cgroups.scope, ["exec", "web", "tail", "/dev/zero"])).code).toBe(137);
    expect(file("memory.events")).toMatch(/^oom_kill [1-9]/m);
    // The one that was killed was the new one.
    expect(await ok("exec", "web", "cat", "/proc/1/cgroup", "/proc/self/cgroup")).toBe(
      "0::/\n0::/",
    );
    await ok("rm", "-f", "web");
    expect(existsSync(cgroup)).toBe(false);
  });

  test("that end a program are told", async () => {
    const few = ["-m", "16m", "--memory-swap", "16m"];
    const run = ["run", "--name", "hog", ...quiet, ...few, "busybox", "tail", "/dev/zero"];
    expect((await within(cgroups.scope, run)).code).toBe(137);
    expect(await ok("inspect", "-f", "{{.State.OOMKilled}} {{.State.ExitCode}}", "hog")).toBe(
      "true 137",
    );
    await ok("rm", "hog");
  });

  test("are in force again after a restart", async () => {
    const again = ["--restart", "on-failure:1"];
    await ok("run", "-d", "--name", "again", ...quiet, ...limits, ...again, ...sleep);
    const first = await pidOf("again");
    process.kill(first, "SIGKILL");
    let pid = first;
    for (let i = 0; i < 100 && (pid === first || pid === 0); i++) {
      await Bun.sleep(100);
      pid = await pidOf("again");
    }
    expect(read(`${cgroupOf(pid)}/memory.max`)).toBe("67108864");
    await ok("rm", "-f", "again");
  });

  test("a privileged container parts its cgroup, and cannot raise its limits", async () => {
    const script = `cd /sys/fs/cgroup && mkdir own && echo 0 >own/cgroup.procs && cat cgroup.controllers
      (echo max >memory.max) 2>/dev/null && echo raised; cat memory.max`;
    const privileged = ["--privileged", "-m", "64m"];
    expect(await ok("run", "--rm", ...quiet, ...privileged, "busybox", "sh", "-c", script)).toBe(
      "cpu memory pids\n67108864",
    );
  });

  test("which controllers are missing is named, and the others are in force", async () => {
    const script = ["busybox", "cat", "/sys/fs/cgroup/cpu.max"];
    const run = ["run", "--rm", ...quiet, "--cpus", "0.5", "--cpuset-cpus", "0", ...script];
    expect(await within(cgroups.scope, run)).toEqual({
      code: 0,
      stdout: "50000 100000",
      stderr:
        "pivot: warning: not in force: limits of cpuset; this user's part of the cgroups lacks their controllers: see Delegate= in systemd.resource-control(5)\n",
    });
  });

  test("outside of what is delegated they are named, and nothing else is said", async () => {
    const run = ["run", "-d", "--name", "free", ...quiet, ...limits, ...sleep];
    const { code, stderr } = await within(cgroups.session, run);
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: `pivot: warning: not in force: limits of memory, cpu and pids; ${noneDelegated}`,
    });
    expect(cgroupOf(await pidOf("free"))).toBe(cgroups.session);
    const paused = await within(cgroups.session, ["pause", "free"]);
    expect(paused.stderr).toMatch(
      /^pivot: container free has no cgroup .* delegated to this user\n/,
    );
    expect((await within(cgroups.session, ["rm", "-f", "free"])).stderr).toBe("");
    const bare = await within(cgroups.session, ["run", "--rm", ...quiet, "busybox", "true"]);
    expect(bare).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("a container with limits is reached from outside as far as the kernel allows", async () => {
    await ok("run", "-d", "--name", "web", ...quiet, ...limits, ...sleep);
    const outside = (...words: string[]) => within(cgroups.session, words);
    expect(await outside("exec", "web", "true")).toEqual({
      code: 1,
      stdout: "",
      stderr:
        "pivot: container web runs in a cgroup that was delegated to this user, and this command outside of it: start it by `systemd-run --user --scope`, as the container was\n",
    });
    for (const words of [["pause"], ["unpause"], ["update", "-m", "48m"]]) {
      expect(await outside(...words, "web")).toEqual({ code: 0, stdout: "web", stderr: "" });
    }
    expect(read(`${cgroupOf(await pidOf("web"))}/memory.max`)).toBe("50331648");
    expect((await outside("rm", "-f", "web")).code).toBe(0);
  });

  test("what a kill leaves, prune takes away", async () => {
    await ok("run", "-d", "--name", "gone", ...quiet, ...limits, ...sleep);
    const pid = await pidOf("gone");
    const cgroup = cgroupOf(pid);
    process.kill(Number(/^PPid:\s*(\d+)/m.exec(read(`/proc/${pid}/status`))?.[1]), "SIGKILL");
    await until(() => !existsSync(`/proc/${pid}`), "it ended with its monitor");
    expect(existsSync(cgroup)).toBe(true);
    expect((await within(cgroups.session, ["system", "prune", "-f"])).stderr).toBe("");
    expect(existsSync(cgroup)).toBe(false);
    expect(await ok("ps", "-aq")).toBe("");
  });

  test("are in force with a single id", async () => {
    const single = new OrdinaryUser("single");
    const words = ["run", "--rm", ...quiet, ...limits, "busybox", "cat", "/sys/fs/cgroup/pids.max"];
    try {
      const { code, stdout, stderr } = await single.pivot(words, { cgroup: cgroups.scope });
      expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "20\n", stderr: "" });
      await single.expectNobody();
    } finally {
      single.drop();
    }
  });
});
