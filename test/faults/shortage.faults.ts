// What there is not enough of: room, names, a store that may be written, descriptors, processes, memory.
// Each command then says so in a line; what works without, works; and afterwards all is as before.

import { afterAll, afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { FakeRegistry } from "../../src/registry/testing/fake-registry.ts";
import { Ground, pivotPath, type Ran } from "../pivot.ts";
import { unclear, World } from "./aftermath.ts";
import { containerScenarios, ok, type Scenario } from "./scenario.ts";
import { fileScenarios, imageScenarios } from "./scenario-files.ts";
import { isEnough, whyNot } from "./trace.ts";

/** The two words of a failure on which all agree: what the command said was one clear line. */
const isClear = ({ code, signal, stdout, stderr }: Ran): string | undefined =>
  // Its runtime has said more than that, which nobody can keep it from.
  signal !== null && /^pivot: its program was ended by signal \d+: .*$/m.test(stderr)
    ? undefined
    : unclear({ code: signal === null ? code : null, stdout, stderr, met: true });

/** Without waiting for whatever it leaves. */
async function run(words: readonly string[]): Promise<Ran> {
  const child = Bun.spawn([...words], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, PIVOT_NETWORK: "none" },
  });
  const late = setTimeout(() => child.kill("SIGKILL"), 60_000);
  const stderr = new Response(child.stderr).text();
  const code = await child.exited;
  clearTimeout(late);
  // Who stays may hold the pipe.
  const said = await Promise.race([stderr, Bun.sleep(300).then(() => "")]);
  const signal = child.signalCode as NodeJS.Signals | null;
  return { code, signal, stdout: "", stderr: said };
}

describe.skipIf(whyNot !== undefined)(`shortage (${whyNot ?? "as root"})`, async () => {
  const registry = await FakeRegistry.start();
  afterAll(() => registry.stop());
  let ground: Ground;
  let world: World;
  const mounted: string[] = [];

  const sh = (script: string): void => {
    const { code, stderr } = ground.command(["sh", "-c", script]);
    if (code !== 0) throw new Error(`${script}: ${stderr}`);
  };

  beforeEach(() => {
    ground = new Ground("shortage");
  });
  afterEach(async () => {
    for (const path of mounted.splice(0)) sh(`umount -l ${path}`);
    await ground.close();
  });

  /** A file system of its own below the store's or the state's directory. */
  const smallDisk = (path: string, options: string): void => {
    mkdirSync(path, { recursive: true });
    // Not the ground's own count of mounts: it is taken away before that is looked at.
    sh(`mount -t tmpfs -o mode=700,${options} none ${path}`);
    mounted.push(path);
  };

  const scenarios = (): Scenario[] => [
    ...containerScenarios(ground).filter(({ name }) => name !== "restart"),
    ...imageScenarios(ground, registry),
    ...fileScenarios(ground),
  ];

  /** Each command once while it is short, and once when it is not any more. */
  async function through(
    shorten: () => void,
    relieve: () => void,
    only: (scenario: Scenario) => boolean = () => true,
  ): Promise<string[]> {
    ok(ground, "run", "--rm", "busybox", "true");
    const wrong: string[] = [];
    for (const { name, call, begin, before, check, clear, end } of scenarios().filter(only)) {
      begin?.();
      world = new World(ground);
      before?.();
      shorten();
      const came = await run([pivotPath, ...call.words]);
      const told = isClear(came);
      if (told !== undefined) wrong.push(`${name}: ${told}`);
      for (const words of [["ps", "-a"], ["images"], ["volume", "ls"]]) {
        const looked = ground.pivot(words);
        if (looked.code !== 0) wrong.push(`${name}: then ${words.join(" ")}: ${looked.stderr}`);
      }
      relieve();
      const cleared = clear?.();
      if (cleared !== undefined) wrong.push(`${name}: ${cleared}`);
      if ((await world.difference(20)) !== undefined) {
        const ran = ground.pivot(["system", "prune", "-f"]);
        if (ran.code !== 0 || ran.stderr !== "") wrong.push(`${name}: then prune: ${ran.stderr}`);
        const left = await world.difference(20);
        if (left !== undefined) wrong.push(`${name}: left: ${left}`);
      }
      // It is as good as new.
      before?.();
      const again = await run([pivotPath, ...call.words]);
      const isFine = again.code === 0 || (check === undefined && again.code === 3);
      if (!isFine) wrong.push(`${name}: afterwards: ${again.code} ${again.stderr}`);
      const clearedAgain = clear?.();
      if (clearedAgain !== undefined) wrong.push(`${name}: ${clearedAgain}`);
      end?.();
      if (isEnough(wrong)) break;
      if (process.env["PIVOT_FAULTS_SHOW"] === "1")
        console.log(
          name,
          came.code,
          came.stderr.trim(),
          wrong
            .splice(0)
            .map((each) => `\n!! ${each}`)
            .join(""),
        );
    }
    return wrong;
  }

  const fill = (path: string) => (): void =>
    sh(`dd if=/dev/zero of=${path}/rest bs=4k 2>/dev/null; true`);
  const empty = (path: string) => (): void => rmSync(`${path}/rest`, { force: true });

  test("the store's disk is full", async () => {
    smallDisk(ground.root, "size=24m");
    expect(await through(fill(ground.root), empty(ground.root))).toEqual([]);
  }, 600_000);

  test("the state's disk is full", async () => {
    smallDisk(ground.runRoot, "size=4m");
    expect(await through(fill(ground.runRoot), empty(ground.runRoot))).toEqual([]);
  }, 600_000);

  const exhaust = (path: string) => (): void =>
    sh(`mkdir -p ${path}/rest; i=0; while (: >${path}/rest/$i) 2>/dev/null; do i=$((i+1)); done`);
  const giveBack = (path: string) => (): void =>
    rmSync(`${path}/rest`, { recursive: true, force: true });

  test("the store's disk has no inodes left", async () => {
    smallDisk(ground.root, "size=64m,nr_inodes=2000");
    expect(await through(exhaust(ground.root), giveBack(ground.root))).toEqual([]);
  }, 600_000);

  test("the state's disk has no inodes left", async () => {
    smallDisk(ground.runRoot, "size=4m,nr_inodes=400");
    expect(await through(exhaust(ground.runRoot), giveBack(ground.runRoot))).toEqual([]);
  }, 600_000);

  test("the store cannot be written", async () => {
    smallDisk(ground.root, "size=64m");
    const remount = (how: string) => () => sh(`mount -o remount,${how} ${ground.root}`);
    // Whoever runs has files of it open to write to.
    const runs = /^(exec|stop|rm -f)$/;
    const all = await through(remount("ro"), remount("rw"), ({ name }) => !runs.test(name));
    expect(all).toEqual([]);
  }, 600_000);

  test("descriptors: any limit", async () => {
    ok(ground, "run", "--rm", "busybox", "true");
    world = new World(ground);
    const wrong: string[] = [];
    const ends = new Set<number | null>();
    const limits = Array.from({ length: 37 }, (_, i) => i + 3);
    for (const most of [...limits, 48, 63, 64, 65, 80, 128]) {
      const words = [pivotPath, ...ground.roots(), "run", "--rm", "busybox", "true"];
      const limited = `ulimit -n ${most} && exec "$0" "$@"`;
      const came = ground.command(["sh", "-c", limited, ...words]);
      ends.add(came.code);
      const told = isClear(came);
      if (told !== undefined) wrong.push(`${most}: ${told}`);
      const left = await world.difference(20);
      if (left !== undefined) wrong.push(`${most}: ${left}`);
      if (isEnough(wrong)) break;
    }
    expect(wrong).toEqual([]);
    // Some are enough and some are not, or nothing was tried.
    expect(ends).toContain(0);
    expect(ends.size).toBeGreaterThan(1);
  }, 300_000);

  /** Starts within a cgroup of version 1 that has a limit, each time another; what ended how. */
  async function within(controller: string, file: string, limits: readonly number[]) {
    ok(ground, "run", "--rm", "busybox", "true");
    world = new World(ground);
    const wrong: string[] = [];
    const ends = new Set<number | null>();
    for (const limit of limits) {
      // A new one each time: pages of files that are kept stay charged to the old one.
      const cgroup = `/sys/fs/cgroup/${controller}/faults-short-${limit}`;
      mkdirSync(cgroup);
      try {
        writeFileSync(`${cgroup}/${file}`, String(limit));
        const words = [pivotPath, ...ground.roots(), "run", "--rm", "-m", "64m", "busybox", "true"];
        const join = `echo 0 >${cgroup}/cgroup.procs; exec "$0" "$@"`;
        const came = ground.command(["sh", "-c", join, ...words]);
        ends.add(came.code);
        // Who is killed for want of memory says no more; whose child is, says it in a line.
        const isKilled = controller === "memory" && came.signal === "SIGKILL";
        const told = isKilled ? undefined : isClear(came);
        if (told !== undefined) wrong.push(`${limit}: ${told}`);
        if (isKilled) ok(ground, "system", "prune", "-f");
      } finally {
        for (let i = 0; i < 50 && existsSync(cgroup); i++) {
          try {
            rmdirSync(cgroup);
          } catch {
            await Bun.sleep(20); // what was killed is about to be gone
          }
        }
      }
      const left = await world.difference(20);
      if (left !== undefined) wrong.push(`${limit}: ${left}`);
      if (isEnough(wrong)) break;
    }
    return { wrong, ends };
  }

  const has = (controller: string): boolean =>
    existsSync(`/sys/fs/cgroup/${controller}/cgroup.procs`);

  test.skipIf(!has("pids"))(
    "processes: any limit (cgroup v1)",
    async () => {
      const limits = Array.from({ length: 23 }, (_, i) => i + 1);
      const { wrong, ends } = await within("pids", "pids.max", limits);
      expect(wrong).toEqual([]);
      expect(ends).toContain(0);
    },
    300_000,
  );

  test.skipIf(!has("memory"))(
    "memory: any limit (cgroup v1)",
    async () => {
      const limits = Array.from({ length: 24 }, (_, i) => (64 << 20) - (i << 20) * 2.5);
      const { wrong, ends } = await within("memory", "memory.limit_in_bytes", [
        ...limits,
        ...[3, 2, 1, 0.5].map((mebibytes) => mebibytes << 20),
      ]);
      expect(wrong).toEqual([]);
      // Some are enough and some are not, or nothing was tried.
      expect(ends).toContain(0);
      expect(ends.size).toBeGreaterThan(1);
    },
    300_000,
  );

  test("memory and processes: what is entered has none left", async () => {
    ok(ground, "run", "--rm", "busybox", "true");
    world = new World(ground);
    const hog = ["sh", "-c", "while :; do sleep 1000 & done 2>/dev/null; sleep 1000"];
    ok(ground, "run", "-d", "--name", "full", "--pids-limit", "8", "busybox", ...hog);
    for (let i = 0; i < 5; i++) {
      const came = ground.pivot(["exec", "full", "true"]);
      expect([i, unclear({ ...came, code: came.code, met: true })]).toEqual([i, undefined]);
    }
    expect(ground.pivot(["stop", "-t", "0", "full"])).toMatchObject({ code: 0, stderr: "" });
    ok(ground, "rm", "full");
    // Its memory is a file's: nobody is killed, and nobody has any.
    const filler = ["sh", "-c", "dd if=/dev/zero of=/dev/shm/rest bs=64k 2>/dev/null; sleep 1000"];
    const flags = ["--memory", "8m", "--memory-swap", "8m", "--shm-size", "64m"];
    ok(ground, "run", "-d", "--name", "full", ...flags, "busybox", ...filler);
    await Bun.sleep(500);
    for (let i = 0; i < 5; i++) {
      const came = ground.pivot(["exec", "full", "true"]);
      const told = isClear(came);
      // A container that has been ended for it is none to enter.
      if (came.code !== 137) expect([i, told]).toEqual([i, undefined]);
    }
    expect(ground.pivot(["rm", "-f", "full"])).toMatchObject({ code: 0, stderr: "" });
    expect(await world.difference(20)).toBeUndefined();
  }, 120_000);

  test("memory: a container that wants more than it may have", async () => {
    ok(ground, "run", "--rm", "busybox", "true");
    world = new World(ground);
    const hog = ["busybox", "sh", "-c", "tail /dev/zero"];
    const { code, stderr } = ground.pivot(["run", "--name", "hog", "-m", "8m", ...hog]);
    expect({ code: code === 137 || code === 1, stderr: stderr.replace("Killed\n", "") }).toEqual({
      code: true,
      stderr: "",
    });
    const format = "{{.State.OOMKilled}}";
    expect(ok(ground, "inspect", "-f", format, "hog")).toBe("true");
    ok(ground, "rm", "hog");
    expect(await world.difference(20)).toBeUndefined();
    // The least that there is: it starts, or says that it cannot.
    for (const least of ["512k", "1m", "2m", "4m"]) {
      const came = ground.pivot(["run", "--rm", "-m", least, "busybox", "true"]);
      if (came.code !== 137) expect([least, isClear(came)]).toEqual([least, undefined]);
      expect(await world.difference(20)).toBeUndefined();
    }
  }, 120_000);
});
