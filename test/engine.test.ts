// Containers that are kept: made, started, stopped, started again, and told apart, by the commands
// that people type; and what becomes of them when somebody is killed.

import { afterAll, afterEach, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { patience } from "./patience.ts";
import { Ground, pivotPath, type Ran, whyNot } from "./pivot.ts";

const ground = new Ground("engine");

const pivot = (...words: string[]): Ran => ground.pivot(words);

/** Standard output, of a command that has to succeed. */
function said(...words: string[]): string {
  const ran = pivot(...words);
  if (ran.code !== 0) throw new Error(`${words.join(" ")}: code ${ran.code}: ${ran.stderr}`);
  return ran.stdout.trimEnd();
}

/** The one line of an error, which must be one. */
function refused(code: number, ...words: string[]): string {
  const ran = pivot(...words);
  expect([words.join(" "), ran.code, ran.stdout]).toEqual([words.join(" "), code, ""]);
  expect(ran.stderr).toMatch(/^pivot: [^\n]+\n(pivot: see `pivot [a-z -]*--help`\n)?$/);
  return ran.stderr;
}

const statusOf = (name: string): string =>
  said("ps", "-a", "--filter", `name=^${name}$`, "--format", "{{.Status}}");

const inspect = (name: string, template: string): string =>
  said("container", "inspect", "-f", template, name);

const idOf = (name: string): string => inspect(name, "{{.Id}}");

const loop = ["busybox", "sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.05; done"];

async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 200; i++) {
    if (isSo()) return;
    await sleep(25);
  }
  throw new Error(`it did not come to that ${what}`);
}

/** Of the executor that watches over a container. */
const monitorOf = (name: string): number =>
  Number.parseInt(readFileSync(`${ground.runRoot}/${idOf(name)}/monitor`, "utf8"), 10);

describe.skipIf(whyNot !== undefined)(`the engine (${whyNot ?? "as root"})`, () => {
  afterEach(async () => {
    const ids = said("ps", "-aq").split("\n").filter(Boolean);
    if (ids.length > 0) said("rm", "-f", ...ids);
    await ground.expectNothingLeft();
  });
  afterAll(() => ground.close());

  test("start waits for a copy into the container, which holds its layer", async () => {
    const id = said("create", "--name", "copied", ...loop);
    said("cp", "/etc/passwd", "copied:/tmp/passwd"); // makes the layer
    const layer = `${ground.root}/containers/${id}`;
    const mark = `${ground.directory}/copied`;
    const holder = spawn("flock", [layer, "sh", "-c", `echo held; sleep 0.5; touch ${mark}`]);
    const ended = once(holder, "exit");
    await once(holder.stdout, "data");
    expect(said("start", "copied")).toBe("copied");
    expect(existsSync(mark)).toBe(true);
    await ended;
  });

  test("run -d prints the id and returns; ps shows it; stop, start, restart; rm", async () => {
    const id = said("run", "-d", "--name", "box", ...loop);
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect(said("ps", "--format", "{{.ID}} {{.Image}} {{.Names}} {{.State}}")).toBe(
      `${id.slice(0, 12)} busybox box running`,
    );
    expect(statusOf("box")).toMatch(/^Up /);
    expect(said("stop", "box")).toBe("box");
    expect(statusOf("box")).toMatch(/^Exited \(7\) /);
    expect(said("ps", "-q")).toBe("");
    expect(said("start", id.slice(0, 10))).toBe(id.slice(0, 10));
    const first = inspect("box", "{{.State.Pid}} {{.State.Running}}");
    expect(first).toMatch(/^[1-9]\d* true$/);
    expect(said("restart", "box")).toBe("box");
    expect(inspect("box", "{{.State.Pid}} {{.State.Running}}")).not.toBe(first);
    expect(refused(1, "rm", "box")).toContain("stop it first, or use rm --force");
    expect(said("rm", "-f", "box")).toBe("box");
    // As docker's: there is nothing to remove, which is said and is as good.
    expect(refused(0, "rm", "-f", "box")).toContain("no such container: box");
    expect(refused(1, "rm", "box")).toContain("no such container: box");
    expect(said("ps", "-aq")).toBe("");
  });

  test("what it wrote is there after stop and start, and gone with rm", () => {
    said("create", "--name", "writer", "busybox", "sh", "-c", "cat /f 2>/dev/null; echo more >>/f");
    for (const _ of [1, 2, 3]) {
      said("start", "writer");
      said("wait", "writer");
    }
    const data = `${ground.root}/containers/${idOf("writer")}`;
    expect(readFileSync(`${data}/upper/f`, "utf8")).toBe("more\nmore\nmore\n");
    said("rm", "writer");
    expect(existsSync(data)).toBeFalse();
  });

  test("a container in the foreground without --rm is kept, and started again in the background", () => {
    expect(pivot("run", "--name", "fore", "busybox", "sh", "-c", "echo out; exit 4")).toMatchObject(
      {
        code: 4,
        stdout: "out\n",
      },
    );
    expect(statusOf("fore")).toMatch(/^Exited \(4\) /);
    said("start", "fore");
    expect(said("wait", "fore")).toBe("4");
  });

  test("one without a name gets two words; names are unique, also against a rename", () => {
    const id = said("create", "busybox");
    expect(inspect(id, "{{.Name}}")).toMatch(/^\/[a-z]+_[a-z]+_[0-9a-f]{3}$/);
    said("create", "--name", "taken", "busybox");
    said("create", "--name", "no-program", "busybox", "/none");
    for (const how of [["start"], ["start", "-a"]]) {
      expect(refused(1, ...how, "no-program")).toContain("no such program: /none");
    }
    const line = refused(1, "create", "--name", "taken", "busybox");
    expect(line).toContain('the container name "/taken" is already in use by container');
    expect(refused(125, "run", "--rm", "--name", "taken", "busybox", "true")).toContain("taken");
    expect(refused(1, "rename", id, "taken")).toContain("already in use");
    said("run", "-d", "--rm", "--name", "brief", ...loop);
    expect(refused(1, "rename", id, "brief")).toContain("already in use");
    said("rename", "taken", "other");
    expect(inspect("other", "{{.Name}}")).toBe("/other");
    expect(refused(1, "start", "taken")).toContain("no such container: taken");
  });

  test("what could not be started is Created, says why, and can be tried again", () => {
    expect(pivot("run", "-d", "--name", "bad", "busybox", "no-such").code).toBe(127);
    expect(statusOf("bad")).toBe("Created");
    expect(inspect("bad", "{{.State.Error}}")).toContain("no such program: no-such");
    expect(refused(1, "start", "bad")).toContain("no-such");
  });

  test("pause and unpause", () => {
    said("run", "-d", "--name", "ice", ...loop);
    said("pause", "ice");
    expect(statusOf("ice")).toMatch(/^Up .*\(Paused\)$/);
    expect(refused(1, "pause", "ice")).toContain("it is paused");
    said("unpause", "ice");
    expect(statusOf("ice")).not.toContain("Paused");
    said("pause", "ice");
    said("stop", "-t", "5", "ice");
    expect(statusOf("ice")).toMatch(/^Exited \(7\) /);
  });

  test("stop kills who does not heed its signal; --stop-signal is what is sent", () => {
    said("run", "-d", "--name", "deaf", "busybox", "sh", "-c", "trap '' TERM; sleep 1000");
    said("stop", "-t", "0", "deaf");
    expect(statusOf("deaf")).toMatch(/^Exited \(137\) /);
    const script = "trap 'exit 9' USR1; while :; do sleep 0.05; done";
    said("run", "-d", "--stop-signal", "USR1", "--name", "usr", "busybox", "sh", "-c", script);
    said("stop", "usr");
    expect(statusOf("usr")).toMatch(/^Exited \(9\) /);
  });

  test("kill sends what it is told; who does not run is an error of its own", () => {
    said("run", "-d", "--name", "one", ...loop);
    const ran = pivot("kill", "-s", "TERM", "one", "nobody");
    expect(ran).toMatchObject({ code: 1, stdout: "one\n" });
    expect(ran.stderr).toContain("no such container: nobody");
    expect(said("wait", "one")).toBe("7");
    expect(refused(1, "kill", "one")).toContain("is not running");
  });

  test("restarts of one container at once: none takes another's new run for the old one", async () => {
    said("run", "-d", "--name", "busy", "busybox", "sleep", "1000");
    const began = Date.now();
    const words = [...ground.roots(), "restart", "-t", "0", "busy"];
    const codes = await Promise.all(
      Array.from({ length: 6 }, async () => {
        const child = spawn(pivotPath, words, { stdio: "ignore" });
        return (await once(child, "exit"))[0];
      }),
    );
    expect(codes).toEqual([0, 0, 0, 0, 0, 0]);
    expect(Date.now() - began).toBeLessThan(15_000 * patience);
    expect(statusOf("busy")).toMatch(/^Up /);
    expect(said("start", "busy")).toBe("busy"); // no error, as with docker
  });

  test("stop and rm take many at once, and tell of them in order", () => {
    const names = ["d1", "d2", "d3", "d4"];
    for (const name of names) said("run", "-d", "--name", name, "busybox", "sleep", "1000");
    const began = Date.now();
    const ran = pivot("stop", "-t", `${patience}`, "d1", "nobody", "d2", "d3", "d4");
    expect(ran).toMatchObject({ code: 1, stdout: "d1\nd2\nd3\nd4\n" });
    expect(ran.stderr).toContain("no such container: nobody");
    // One after the other takes four times as long as one is waited for.
    expect(Date.now() - began).toBeLessThan(3_500 * patience);
    expect(said("rm", ...names)).toBe(names.join("\n"));
  });

  test("update gives one that runs another policy, and takes it away", async () => {
    const pid = (): string => inspect("late", "{{.State.Pid}}");
    const crash = (): string => {
      const before = pid();
      process.kill(Number(before), "SIGKILL");
      return before;
    };
    // Twice: the second start has the plan that the first has left.
    for (const _ of [1, 2]) {
      said("run", "-d", "--name", "late", "busybox", "sleep", "1000");
      said("update", "--restart", "on-failure:3", "late");
      const before = crash();
      await until("it runs again", () => !["0", before].includes(pid()));
      expect(inspect("late", "{{.RestartCount}}")).toBe("1");
      said("update", "--restart", "no", "late");
      crash();
      await until("it has ended", () => statusOf("late").startsWith("Exited (137)"));
      await sleep(300);
      expect(pid()).toBe("0");
      said("rm", "late");
    }
  });

  test("a restart policy starts it again until it has had its fill, and stop ends that", async () => {
    said("run", "-d", "--restart", "on-failure:2", "--name", "again", "busybox", "false");
    await until("it gave up", () => statusOf("again").startsWith("Exited"));
    expect(inspect("again", "{{.RestartCount}} {{.State.ExitCode}}")).toBe("2 1");
    said("run", "-d", "--restart", "always", "--name", "ever", "busybox", "true");
    await until("it waits", () => statusOf("ever").startsWith("Restarting (0)"));
    said("stop", "ever");
    await sleep(300);
    expect(statusOf("ever")).toMatch(/^Exited \(0\) /);
    said("run", "-d", "--restart", "unless-stopped", "--name", "well", ...loop);
    said("stop", "well");
    expect(statusOf("well")).toMatch(/^Exited \(7\) /);
    expect(refused(125, "run", "--rm", "--restart", "always", "busybox")).toContain("--rm");
  });

  test("kill -9 of the monitor ends the container, and the next command tells the truth", async () => {
    said("run", "-d", "--name", "orphan", "busybox", "sh", "-c", "echo kept >/f; sleep 1000");
    const pid = Number(inspect("orphan", "{{.State.Pid}}"));
    process.kill(monitorOf("orphan"), "SIGKILL");
    await until("init has gone", () => !existsSync(`/proc/${pid}`));
    expect(inspect("orphan", "{{.State.Running}} {{.State.Dead}}")).toBe("false true");
    said("start", "orphan");
    expect(inspect("orphan", "{{.State.Running}}")).toBe("true");
    process.kill(monitorOf("orphan"), "SIGKILL");
    await until("it is dead", () => statusOf("orphan") === "Dead");
    said("rm", "-f", "orphan");
  });

  test("after a reboot nothing runs, and everything can be started", () => {
    said("run", "-d", "--name", "phoenix", ...loop);
    said("kill", "phoenix");
    said("wait", "phoenix");
    const id = idOf("phoenix");
    // What a reboot leaves: no state, and no word of how it ended.
    rmSync(ground.runRoot, { recursive: true });
    rmSync(`${ground.root}/containers/${id}/exit`);
    expect(statusOf("phoenix")).toBe("Exited (255)");
    said("start", "phoenix");
    expect(statusOf("phoenix")).toMatch(/^Up /);
  });

  test("many at once: each is made, named and listed", async () => {
    const starts = Array.from({ length: 12 }, (_, i) => {
      const words = ["run", "-d", "--name", `many-${i}`, "busybox", "sleep", "1000"];
      const child = spawn("build/pivot", [...ground.roots(), ...words], { stdio: "ignore" });
      return new Promise((resolve) => child.once("close", resolve));
    });
    expect(await Promise.all(starts)).toEqual(starts.map(() => 0));
    expect(said("ps", "-q").split("\n")).toHaveLength(12);
    expect(said("ps", "-q", "--filter", "name=many-1$").split("\n")).toHaveLength(1);
  });

  test("--rm goes when it has ended, however it was started", async () => {
    said("run", "-d", "--rm", "--name", "brief", ...loop);
    expect(statusOf("brief")).toMatch(/^Up /);
    expect(refused(1, "restart", "brief")).toContain("--rm");
    said("stop", "brief");
    expect(said("ps", "-aq")).toBe("");
    await ground.expectNothingLeft();
  });

  test("two who start one container at once have it started once, and both say so", async () => {
    said("create", "--name", "both", ...loop);
    const one = `"$@" start both >>${ground.directory}/both 2>&1`;
    ground.command(["sh", "-c", `${one} & ${one}; wait`, "sh", pivotPath, ...ground.roots()]);
    expect(readFileSync(`${ground.directory}/both`, "utf8")).toBe("both\nboth\n");
    expect(statusOf("both")).toMatch(/^Up /);
    expect(inspect("both", "{{.State.StartedAt}} {{.State.Error}}")).toMatch(/^20\S+$/);
  });

  test("one that is removed while it starts is gone, or runs and is there", async () => {
    for (const delay of [0.01, 0.02, 0.03, 0.04]) {
      const id = said("create", "--name", "brief", ...loop);
      const script = `"$@" start brief >/dev/null 2>&1 & sleep ${delay}; "$@" rm brief; code=$?; wait; exit $code`;
      const words = ["sh", "-c", script, "sh", pivotPath, ...ground.roots()];
      const isRemoved = ground.command(words).code === 0;
      const ids = said("ps", "-aq", "--no-trunc").split("\n").filter(Boolean);
      expect([delay, ids]).toEqual([delay, isRemoved ? [] : [id]]);
      if (!isRemoved) said("rm", "-f", "brief");
    }
  });

  test("--cidfile has the id; one that is there is refused", () => {
    const file = `${ground.directory}/cid`;
    const id = said("create", "--cidfile", file, "busybox");
    expect(readFileSync(file, "utf8")).toBe(id);
    const again = ["create", "--name", "second", "--cidfile", file, "busybox"];
    expect(refused(1, ...again)).toContain("it is there already");
    expect(said("ps", "-a", "--filter", "name=second", "-q")).toBe("");
    said("create", "--name", "second", "busybox");
    const other = `${ground.directory}/other-cid`;
    refused(1, "create", "--name", "second", "--cidfile", other, "busybox");
    expect(existsSync(other)).toBe(false);
  });

  test("update changes limits at once and for later starts", () => {
    said("run", "-d", "-m", "64m", "--name", "small", ...loop);
    said("update", "-m", "96m", "--restart", "always", "small");
    expect(inspect("small", "{{.HostConfig.Memory}} {{.HostConfig.RestartPolicy.Name}}")).toBe(
      `${96 << 20} always`,
    );
    expect(refused(1, "update", "small")).toContain("one or more flags");
  });

  test("filters, formats and the short forms of ps", () => {
    said("create", "--name", "aa", "--label", "a=1", "busybox");
    said("create", "--name", "bb", "--label", "a=2", "busybox", "sleep", "1");
    const names = (...words: string[]) =>
      said("ps", "--format", "{{.Names}}", ...words)
        .split("\n")
        .filter(Boolean);
    expect(names("-a")).toEqual(["bb", "aa"]);
    expect(names("-l")).toEqual(["bb"]);
    expect(names("-n", "1")).toEqual(["bb"]);
    expect(names("-a", "--filter", "label=a=1")).toEqual(["aa"]);
    expect(names("-a", "--filter", "status=created")).toEqual(["bb", "aa"]);
    expect(names("-a", "--filter", "before=bb")).toEqual(["aa"]);
    expect(names("-a", "--filter", "ancestor=busybox")).toEqual(["bb", "aa"]);
    expect(refused(1, "ps", "--filter", "status=odd")).toContain("one of created, running");
    expect(said("ps", "-a", "--no-trunc", "--filter", "name=bb")).toContain('"sleep 1"');
  });

  test("health: starting, healthy, unhealthy; inspect has what the checks said", async () => {
    const flags = ["--health-interval", "100ms", "--health-retries", "2", "--health-timeout", "5s"];
    const check = ["--health-cmd", "echo looked; test -e /well"];
    said("run", "-d", "--name", "sick", ...flags, ...check, ...loop);
    expect(statusOf("sick")).toContain("(health: starting)");
    await until("it is unhealthy", () => statusOf("sick").endsWith("(unhealthy)"));
    expect(inspect("sick", "{{(index .State.Health.Log 0).Output}}")).toBe("looked");
    said("exec", "sick", "touch", "/well");
    await until("it is healthy", () => statusOf("sick").endsWith("(healthy)"));
    expect(inspect("sick", "{{.State.Health.FailingStreak}}")).toBe("0");
    expect(said("ps", "-q", "--filter", "health=healthy")).not.toBe("");
    const told = said(
      "events",
      "--since",
      "10m",
      "--until",
      "0s",
      "--filter",
      "event=health_status",
    );
    expect(told).toMatch(/ health_status: unhealthy .* health_status: healthy /s);
    said("kill", "sick");
    said("wait", "sick");
    expect(inspect("sick", "{{.State.Health.Status}}")).toBe("unhealthy");
    expect(refused(125, "create", "--health-interval", "soon", "busybox")).toContain("30s");
  });

  test("the store of a newer pivot is left alone", () => {
    said("create", "busybox");
    const { Database } = require("bun:sqlite") as typeof import("bun:sqlite");
    const database = new Database(`${ground.root}/pivot.db`);
    const version = database.query("PRAGMA user_version").get() as { user_version: number };
    database.run("PRAGMA user_version = 99");
    expect(refused(1, "ps")).toContain("of a newer pivot");
    database.run(`PRAGMA user_version = ${version.user_version}`);
    database.close();
  });

  test("nothing of the engine lies about in the run root", () => {
    expect(readdirSync(ground.runRoot).filter((name) => !/^(events|names)/.test(name))).toEqual([]);
  });
});
