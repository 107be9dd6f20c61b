// Taking part in what a container reads and writes: several at once, one that does not read, with a
// terminal and without; and what `run` in the foreground makes of it.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  statSync,
} from "node:fs";
import { hasEnded, numberIn, until, wait } from "./detached.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";
import { Session } from "./session.ts";

const ground = new Ground("attach");
const words = (...rest: string[]): string[] => [pivotPath, ...ground.roots(), ...rest];

/** The last bytes of a long file. */
function lastOf(path: string): string {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size < 100) return "";
  const fd = openSync(path, "r");
  const bytes = Buffer.alloc(100);
  const length = readSync(fd, bytes, 0, 100, size - 100);
  closeSync(fd);
  return bytes.toString("latin1", 0, length);
}

/** Starts a container that goes on by itself; its state directory. */
function start(name: string, ...rest: string[]): string {
  const ran = ground.pivot(["run", "-d", "--name", name, ...rest]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return `${ground.runRoot}/${ran.stdout.trim()}`;
}

const remove = (...names: string[]): void => {
  expect(ground.pivot(["rm", "-f", ...names])).toMatchObject({ code: 0, stderr: "" });
};

/** The monitor's sockets when nobody is attached: the one that listens, and init's. */
const idle = 2;
/** How many are attached, by the monitor's process id. */
const live = new Map<number, number>();

/** How many sockets the monitor has: one more with each who is attached. */
const socketsOf = (monitor: number): number =>
  readdirSync(`/proc/${monitor}/fd`).filter((fd) =>
    readlinkIfThere(`/proc/${monitor}/fd/${fd}`).startsWith("socket:"),
  ).length;

const readlinkIfThere = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return ""; // closed meanwhile
  }
};

/** Attaches in the background; what it says grows. */
async function attach(name: string, ...flags: string[]) {
  const monitor = numberIn(`${ground.runRoot}/names/${name}/monitor`);
  const isQuiet = () => socketsOf(monitor) === idle + (live.get(monitor) ?? 0);
  await until(isQuiet, "nobody else comes or goes");
  const [program = "", ...args] = words("attach", ...flags, name);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  const said = { out: "", err: "" };
  child.stdout.on("data", (bytes) => {
    said.out += bytes;
  });
  child.stderr.on("data", (bytes) => {
    said.err += bytes;
  });
  const ended = once(child, "close").then(([code, signal]) => ({ code, signal }));
  live.set(monitor, (live.get(monitor) ?? 0) + 1);
  child.once("close", () => live.set(monitor, (live.get(monitor) ?? 0) - 1));
  await until(isQuiet, "it is attached");
  return { child, said, ended };
}

describe.skipIf(whyNot !== undefined)(`attach (${whyNot ?? "as root"})`, () => {
  afterAll(() => {
    const all = ground
      .pivot(["ps", "-aq"])
      .stdout.split("\n")
      .filter((id) => id !== "");
    if (all.length > 0) ground.pivot(["rm", "-f", ...all]); // of a test that failed
    return ground.close();
  });
  ground.shell([], "true"); // the image

  test("several at once see the same and type to the same; the end's code is theirs", async () => {
    const script = "while read x; do echo out $x; echo err $x >&2; done; exit 7";
    start("several", "-i", "busybox", "sh", "-c", script);
    const [one, two] = [await attach("several"), await attach("several")];
    one.child.stdin.write("a\n");
    await until(() => two.said.out === "out a\n", "the other sees it");
    two.child.stdin.write("b\n");
    for (const { said } of [one, two]) {
      await until(() => said.out === "out a\nout b\n", "both see all");
      await until(() => said.err === "err a\nerr b\n", "on the stream that it came from");
    }
    one.child.stdin.end();
    expect(await one.ended).toEqual({ code: 7, signal: null });
    expect(await two.ended).toEqual({ code: 7, signal: null });
    const logs = ground.pivot(["logs", "several"]);
    expect(logs).toMatchObject({ stdout: "out a\nout b\n", stderr: "err a\nerr b\n" });
    remove("several");
  });

  test("one that leaves takes nothing away: the input stays open, and so does the container", async () => {
    start("stays", "-i", "busybox", "cat");
    const first = await attach("stays");
    first.child.kill("SIGKILL");
    await first.ended;
    const second = await attach("stays");
    second.child.stdin.end("still here\n");
    expect(await second.ended).toEqual({ code: 0, signal: null });
    expect(second.said.out).toBe("still here\n");
    remove("stays");
  });

  test("one that does not read is put out, and holds nobody up", {
    timeout: 60_000 * patience,
  }, async () => {
    const state = start("stuck", "-i", "busybox", "sh", "-c", "read x; seq 1000000; sleep 1000");
    const stuck = await attach("stuck");
    process.kill(stuck.child.pid ?? 0, "SIGSTOP");
    const other = await attach("stuck", "--no-stdin");
    let bytes = 0;
    other.child.stdout.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    stuck.child.stdin.write("go\n");
    process.kill(stuck.child.pid ?? 0, "SIGCONT");
    await until(() => bytes > 0, "it writes");
    process.kill(stuck.child.pid ?? 0, "SIGSTOP");
    const log = `${ground.root}/containers/${state.split("/").at(-1)}/log`;
    await until(() => lastOf(log).endsWith(" stdout F 1000000\n"), "all is written", 30_000);
    process.kill(stuck.child.pid ?? 0, "SIGCONT");
    expect((await stuck.ended).code).toBe(125);
    expect(stuck.said.err).toMatch(/^pivot: cannot attach to the container .*too slowly/);
    expect(existsSync(`${state}/pid`)).toBe(true);
    remove("stuck");
    await other.ended;
  });

  test("a container that does not read its input: signals still come through", async () => {
    start(
      "deaf",
      "-i",
      "--init",
      "busybox",
      "sh",
      "-c",
      "trap 'exit 9' TERM; while :; do sleep 0.05; done",
    );
    const one = await attach("deaf");
    one.child.stdin.write("x".repeat(1_000_000));
    one.child.stdin.on("error", () => {});
    await wait(200);
    one.child.kill("SIGTERM");
    expect(await one.ended).toEqual({ code: 9, signal: null });
    remove("deaf");
  });

  test("--sig-proxy=false: a signal ends the attachment alone", async () => {
    const state = start("calm", "busybox", "sleep", "1000");
    const one = await attach("calm", "--sig-proxy=false");
    one.child.kill("SIGINT");
    expect(await one.ended).toEqual({ code: 130, signal: null });
    expect(existsSync(`${state}/pid`)).toBe(true);
    remove("calm");
  });

  test("a terminal: its size, the detach keys, and the same shell again", {
    timeout: 20_000 * patience,
  }, async () => {
    const session = new Session(
      words("run", "-it", "--name", "tty", "-e", "PS1=> ", "busybox", "sh"),
    );
    await session.until(/> $/);
    session.type("stty size; a=42\n");
    expect(await session.until(/> $/)).toContain("24 80\r\n");
    session.type("\u0010"); // held back until it is known what comes
    await wait(50);
    session.type("\u0011");
    await session.until(/read escape sequence\r\n/);
    expect(await session.end()).toBe(0);
    const again = new Session(words("attach", "--detach-keys", "ctrl-a,x", "tty"), 100, 30);
    await again.until(/> $/);
    again.type("echo $a; stty size\n");
    await again.until(/42\r\n30 100\r\n> $/);
    again.resize(90, 20);
    await wait(100);
    again.type("stty size\n");
    await again.until(/20 90\r\n> $/);
    // A part of the keys, and then something else: it is typed after all.
    again.type("cho 12\u0001e\n"); // ctrl-a: to the beginning of the line
    await again.until(/\r\n12\r\n> $/);
    again.type("\u0001x");
    expect(await again.end()).toBe(0);
    const last = new Session(words("start", "-ai", "tty"));
    await last.until(/> $/);
    last.type("exit 5\n");
    expect(await last.end()).toBe(5);
    remove("tty");
  });

  test("run in the foreground: all of the output, whatever reads, and the container's code", {
    timeout: 20_000 * patience,
  }, () => {
    const script = "seq 300000; echo end >&2; exit 6";
    const ran = ground.command([
      "/bin/bash",
      "-c",
      `set -o pipefail; ${words("run", "--name", "all", "busybox", "sh", "-c", `'${script}'`).join(" ")} | (sleep 0.5; md5sum)`,
    ]);
    const sum = ground.command(["/bin/bash", "-c", "seq 300000 | md5sum"]);
    expect(ran).toMatchObject({ code: 6, stdout: sum.stdout, stderr: "end\n" });
    expect(ground.pivot(["logs", "all"]).stdout.length).toBe(1_988_895);
    remove("all");
  });

  test("run in the foreground, killed: the container goes on with its monitor", async () => {
    const [program = "", ...args] = words("run", "--name", "orphan", "busybox", "sleep", "1000");
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"] });
    const state = `${ground.runRoot}/names/orphan`;
    await until(() => existsSync(`${state}/pid`), "it runs");
    await wait(100);
    child.kill("SIGKILL");
    await once(child, "close");
    const pid = numberIn(`${state}/pid`);
    await wait(100);
    expect(hasEnded(pid)).toBe(false);
    remove("orphan");
    await until(() => hasEnded(pid), "it has ended");
  });

  test("logs: the last lines, times, and what is still to come", async () => {
    const script = "echo one; echo two >&2; sleep 1; echo three; printf four";
    start("logs", "busybox", "sh", "-c", script);
    const follow = ground.pivot(["logs", "-f", "-t", "logs"]);
    const time = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z`;
    expect(follow.stdout).toMatch(new RegExp(`^${time} one\n${time} three\n${time} four$`));
    expect(follow.stderr).toMatch(new RegExp(`^${time} two\n$`));
    expect(ground.pivot(["logs", "-n", "2", "logs"])).toMatchObject({ stdout: "three\nfour" });
    expect(ground.pivot(["logs", "--since", "1h", "--until", "1s", "logs"]).stdout).not.toContain(
      "x",
    );
    expect(ground.pivot(["logs", "--since", "0s", "logs"])).toMatchObject({ stdout: "" });
    expect(ground.pivot(["logs", "--tail", "x", "logs"]).code).not.toBe(0);
    expect(ground.pivot(["logs", "nobody"]).stderr).toContain("no such container: nobody");
    remove("logs");
  });

  test("logs of a container that writes more than is kept: the newest, without a gap", () => {
    const limits = ["--log-opt", "max-size=10k", "--log-opt", "max-file=3"];
    start("much", ...limits, "busybox", "seq", "5000");
    expect(ground.pivot(["wait", "much"]).stdout).toBe("0\n");
    const [first = "", ...rest] = ground.pivot(["logs", "much"]).stdout.trimEnd().split("\n");
    expect(rest.length).toBeGreaterThan(400); // of 45 bytes each, in 20 to 30 kB
    expect(rest.length).toBeLessThan(700);
    expect(rest).toEqual(rest.map((_, i) => String(Number(first) + 1 + i)));
    expect(rest.at(-1)).toBe("5000");
    const { stdout } = ground.pivot(["logs", "--tail", "350", "much"]);
    expect(stdout.split("\n").slice(0, -1)).toEqual(rest.slice(-350));
    remove("much");
  });

  test("the socket is its owner's alone", () => {
    const state = start("socket", "busybox", "sleep", "1000");
    expect(statSync(`${state}/attach`).mode & 0o777).toBe(0o600);
    remove("socket");
  });
});
