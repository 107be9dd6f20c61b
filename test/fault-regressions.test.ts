// What faults have brought to light once (npm run test:faults looks for more): calls that fail at a
// certain point, and files that a kill at a certain point leaves.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { text as textOf } from "node:stream/consumers";
import { pointsOf, type Traced, whyNot, withFault } from "./faults/trace.ts";
import { listIfThere } from "./leftovers.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath } from "./pivot.ts";

const ground = new Ground("faults");
const runWords = [...ground.roots(), "run", "--rm", "-m", "64m", "-u", "daemon", "busybox", "id"];

const failing = (process: string, name: string, number: number, error: string): Promise<Traced> =>
  withFault(
    ground,
    { words: runWords },
    { process, name, number, errors: [] },
    { how: "fail", error },
  );

describe.skipIf(whyNot !== undefined)(`faults met before (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("what the launcher cannot do it says in a line", {
    timeout: 60_000 * patience,
  }, async () => {
    expect(ground.pivot(runWords.slice(4))).toMatchObject({ code: 0, stderr: "" });
    const failures = [
      ["0.1", "prctl", 1, "EINVAL", "cannot start the program"],
      ["0", "memfd_create", 1, "EMFILE", "cannot make a file in memory"],
      ["0", "pidfd_open", 2, "EMFILE", "no plan came from .*/pivot-program: "],
    ] as const;
    for (const [process, name, number, error, line] of failures) {
      const came = await failing(process, name, number, error);
      expect(came).toMatchObject({ code: 125, met: true, stdout: "" });
      expect(came.stderr).toMatch(new RegExp(`^pivot: ${line}[^\n]*\n$`));
      await ground.expectNothingLeft();
    }
  });

  test("a cgroup that could not be removed is found by prune", {
    timeout: 60_000 * patience,
  }, async () => {
    const came = await failing("0", "unlinkat", 1, "EIO");
    expect(came).toMatchObject({
      met: true,
      stdout: "uid=1(daemon) gid=1(daemon) groups=1(daemon)\n",
    });
    expect(came.stderr).toMatch(/^pivot: warning: left behind: .* removes it\n$/);
    expect(ground.pivot(["system", "prune", "-f"])).toMatchObject({ code: 0, stderr: "" });
    await ground.expectNothingLeft();
  });

  test("a passwd that cannot be read is no empty one", { timeout: 60_000 * patience }, async () => {
    // Who has no line there has group 0: so it must not be passed over.
    const numeric = [...ground.roots(), "run", "--rm", "-u", "1", "busybox", "id"];
    const points = await pointsOf(ground, { words: numeric });
    const looks = points.filter(({ process, name }) => process === "0.2" && name === "openat2");
    const ends = new Set<string>();
    for (const point of looks.toReversed().slice(0, 12)) {
      if (ends.size === 2) break;
      const fault = { how: "fail", error: "EIO" } as const;
      const came = await withFault(ground, { words: numeric }, point, fault);
      if (came.code === 0)
        expect(came.stdout).toBe("uid=1(daemon) gid=1(daemon) groups=1(daemon)\n");
      if (/etc\/passwd/.test(came.stderr)) ends.add(point.number.toString());
    }
    expect(ends.size).toBe(2); // the look and the open
  });

  test("an executor that is killed has not done what it was to do", {
    timeout: 60_000 * patience,
  }, async () => {
    const call = { words: [...ground.roots(), "volume", "create", "cut"], program: true };
    const remove = (): void =>
      expect(ground.pivot(["volume", "rm", "-f", "cut"])).toMatchObject({ code: 0, stderr: "" });
    // The first one makes the directory of all volumes too.
    await pointsOf(ground, call, "changes");
    remove();
    const made = await pointsOf(ground, call, "changes");
    remove();
    const point = made.findLast(({ name }) => name === "mkdirat");
    if (point === undefined) throw new Error("nothing is made");
    const came = await withFault(ground, call, point, { how: "kill" });
    expect(came).toMatchObject({ code: 1, met: true, stdout: "" });
    expect(came.stderr).toMatch(
      /^pivot: the executor was ended by SIGKILL before it was done: .*\n$/,
    );
    expect(ground.pivot(["system", "prune", "-f"])).toMatchObject({ code: 0, stderr: "" });
    remove();
    await ground.expectNothingLeft();
  });

  test("a start whose monitor is killed while it makes the container is begun again", {
    timeout: 60_000 * patience,
  }, async () => {
    const call = { words: [...ground.roots(), "start", "one"], program: true };
    const again = (): void => {
      ground.pivot(["rm", "-f", "one"]);
      const words = ["create", "--name", "one", "busybox", "sh", "-c", "exit 7"];
      expect(ground.pivot(words)).toMatchObject({ code: 0 });
    };
    again();
    const made = await pointsOf(ground, call, "changes");
    const point = made.find(({ name }) => name === "open_tree");
    if (point === undefined) throw new Error("nothing is mounted");
    again();
    const came = await withFault(ground, call, point, { how: "kill" });
    expect(came).toMatchObject({ code: 0, met: true, stdout: "one\n", stderr: "" });
    expect(ground.pivot(["wait", "one"]).stdout).toBe("7\n");
    expect(ground.pivot(["rm", "-f", "one"])).toMatchObject({ code: 0, stderr: "" });
    await ground.expectNothingLeft();
  });

  test("output that a full file does not take is told", () => {
    const script = `"$0" "$@" >/dev/full`;
    const ran = ground.command(["sh", "-c", script, pivotPath, ...runWords]);
    expect(ran.stderr).toMatch(
      /^pivot: .*ENOSPC.*the container's output could not be written[^\n]*\n$/,
    );
    expect(ran.code).toBe(125);
  });

  test("check names, and prune clears, what a killed pull leaves", () => {
    const left = ["volumes/.new", `layers/${"a".repeat(64)}.size`, `downloads/${"b".repeat(64)}`];
    for (const name of ["downloads", "volumes"])
      mkdirSync(`${ground.root}/${name}`, { recursive: true });
    for (const name of left) writeFileSync(`${ground.root}/${name}`, "12\n");
    const checked = ground.pivot(["system", "check"]);
    expect(checked.stdout).toMatch(/1 layer.* belong.* to no image[^]*1 interrupted download/);
    expect(ground.pivot(["system", "prune", "-f"])).toMatchObject({ code: 0, stderr: "" });
    expect(left.filter((name) => existsSync(`${ground.root}/${name}`))).toEqual([]);
  });

  test("check names what a killed container has left, and mends it", async () => {
    const running = await ground.start(["-m", "64m"]);
    const id = ground.pivot(["ps", "-q"]).stdout.trim();
    expect(ground.pivot(["system", "check", "-q"])).toMatchObject({ code: 0, stdout: "" });
    running.process.kill("SIGKILL");
    await running.stop();
    const checked = ground.pivot(["system", "check", "-q"]);
    expect(checked.code).toBe(1);
    expect(checked.stdout).toMatch(
      new RegExp(
        `^problem: container ${id} was killed, and has left \\S+/${id}\\S+( and \\d+ cgroups?)? `,
      ),
    );
    expect(ground.pivot(["system", "check", "-q", "--repair"])).toMatchObject({ code: 0 });
    await ground.expectNothingLeft();
  });

  test("prune with another run root takes nothing from containers that run", async () => {
    const run = (...words: string[]) =>
      ground.pivot(["run", "-d", ...words, "busybox", "sleep", "1000"]);
    const ids = [run(), run("--rm")].map(({ stdout }) => stdout.trim());
    const layers = () => ids.filter((id) => existsSync(`${ground.root}/containers/${id}/upper`));
    const elsewhere = ["--root", ground.root, "--runroot", `${ground.directory}/other-run`];
    const other = (...words: string[]) => ground.command([pivotPath, ...elsewhere, ...words]);
    expect(other("system", "prune", "-f")).toMatchObject({ code: 0, stderr: "" });
    expect(other("container", "prune", "-f")).toMatchObject({ code: 0, stderr: "" });
    expect(layers()).toEqual(ids);
    expect(
      ground.pivot(["ps", "-q", "--no-trunc"]).stdout.split("\n").filter(Boolean).sort(),
    ).toEqual([...ids].sort());
    // Of those that have ended, nothing is known here: they go.
    expect(ground.pivot(["kill", ...ids]).code).toBe(0);
    for (let i = 0; i < 100 * patience && layers().length > 1; i++) await Bun.sleep(50);
    expect(other("container", "prune", "-f")).toMatchObject({ code: 0, stderr: "" });
    expect(layers()).toEqual([]);
  });

  test("check names leases that nobody needs any more, and prune removes them", async () => {
    const gone = "a".repeat(64);
    const leases = [
      [`${ground.runRoot}/network/leases/ports`, "tcp-8080@", `${gone} runs`],
      [`${ground.runRoot}/userns`, gone, "uid 1 2 gid 1 2"],
    ] as const;
    for (const [directory, name, text] of leases) {
      mkdirSync(directory, { recursive: true });
      symlinkSync(text, `${directory}/${name}`);
      lutimesSync(`${directory}/${name}`, 1, 1);
    }
    const paths = leases.map(([directory, name]) => `${directory}/${name}`);
    const checked = ground.pivot(["system", "check", "-q"]);
    expect(paths.filter((path) => !checked.stdout.includes(`problem: ${path} `))).toEqual([]);
    expect(ground.pivot(["system", "prune", "-f"])).toMatchObject({ code: 0, stderr: "" });
    expect(leases.flatMap(([directory]) => readdirSync(directory))).toEqual([]);
  });

  test(
    "a start that fails gives its user ids back at once",
    async () => {
      const users = ["run", "--rm", "--userns", "auto", "busybox", "true"];
      const call = { words: [...ground.roots(), ...users] };
      expect(ground.pivot(users)).toMatchObject({ code: 0 });
      // The state directory cannot be made: the lease is all that there is by then.
      const point = { process: "0", name: "mkdirat", number: 1, errors: [] };
      const came = await withFault(ground, call, point, { how: "fail", error: "ENOSPC" });
      expect(came).toMatchObject({ met: true, code: 125 });
      expect(readdirSync(`${ground.runRoot}/userns`)).toEqual([]);
    },
    60_000 * patience,
  );

  test("a container that comes to nothing when it is planned gives its user ids back", () => {
    const file = `${ground.directory}/cid`;
    writeFileSync(file, "another's");
    const mounts = Array.from({ length: 1100 }, (_, i) => ["-v", `/etc/hostname:/${i}`]).flat();
    const cases: readonly (readonly [words: string[], why: string])[] = [
      [["create", "--cidfile", file], "is there already"],
      [["run", "--rm", ...mounts], "leave some of its mounts out"],
      [["run", ...mounts], "leave some of its mounts out"],
    ];
    for (const [words, why] of cases) {
      const { code, stderr } = ground.pivot([...words, "--userns", "auto", "busybox"]);
      expect({ isError: code !== 0, stderr }).toEqual({
        isError: true,
        stderr: expect.stringContaining(why),
      });
      expect(readdirSync(`${ground.runRoot}/userns`)).toEqual([]);
    }
  });

  test("a start that was held up for long has its user ids no more, and says so", async () => {
    const leases = `${ground.runRoot}/userns`;
    const taken = (): string[] => listIfThere(leases);
    const maps = ["--userns", "auto", "busybox", "cat", "/proc/self/uid_map"];
    const debugged = spawn(pivotPath, [...ground.roots(), "debug", ...maps]);
    const said = textOf(debugged.stderr);
    debugged.stdout.resume();
    while (taken().length === 0 && debugged.exitCode === null) await Bun.sleep(20);
    for (const id of taken()) lutimesSync(`${leases}/${id}`, 1, 1);
    // It has been given the same ones: nothing says any more that they are somebody's.
    expect(ground.pivot(["run", "--rm", ...maps])).toMatchObject({ code: 0 });
    debugged.stdin.end("c\n");
    const [code] = await once(debugged, "close");
    expect([code, await said]).toEqual([
      125,
      expect.stringContaining("its user ids may be another container's by now: start it again"),
    ]);
    await ground.expectNothingLeft();
  }, 60_000);

  test("a process that waits in a user namespace, and cannot say so, keeps nobody waiting", {
    timeout: 60_000 * patience,
  }, async () => {
    const words = [...ground.roots(), "run", "--rm", "--userns", "auto", "busybox", "true"];
    expect(ground.pivot(words.slice(4))).toMatchObject({ code: 0, stderr: "" });
    const points = (await pointsOf(ground, { words })).filter(({ name }) => name === "sendmsg");
    expect(points.length).toBeGreaterThan(3);
    const told: string[] = [];
    for (const point of points) {
      const came = await withFault(ground, { words }, point, { how: "fail", error: "ENOBUFS" });
      expect([point, came.code]).toEqual([point, 125]);
      told.push(came.stderr);
    }
    expect(told.join("")).toContain("the process that waits in the user namespace ended early");
    await ground.expectNothingLeft();
  });

  test("a start with too few descriptors is refused before anything is made", async () => {
    for (const most of [8, 20, 63]) {
      const limited = `ulimit -n ${most} && exec "$0" "$@"`;
      expect(ground.command(["sh", "-c", limited, pivotPath, ...runWords])).toMatchObject({
        code: 125,
        stderr: "pivot: too few open files are allowed: raise `ulimit -n` to 64 or more\n",
      });
    }
    await ground.expectNothingLeft();
    const enough = ['ulimit -n 64 && exec "$0" "$@"', pivotPath, ...runWords];
    expect(ground.command(["sh", "-c", ...enough])).toMatchObject({ code: 0, stderr: "" });
  }, 60_000);
});
