// containerd's `ctr`, with the runtime under test as the binary of its shim.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { Session } from "../session.ts";
import { type Daemon, type Ended, printed } from "./command.ts";
import { ctr, ctrWords, startContainerd, tryCtr } from "./containerd.ts";
import { image } from "./image.ts";
import { sizeIsSeen } from "./terminal-size.ts";
import {
  callsWhile,
  cgroupFile,
  nothingLeftOf,
  runtime,
  testsWith,
  until,
  waiting,
  whyNotWith,
} from "./world.ts";

const test = testsWith("ctr", "containerd");
let daemon: Daemon | undefined;

beforeAll(async () => {
  if (whyNotWith("ctr", "containerd") === undefined) daemon = await startContainerd("default");
}, 60_000);

afterAll(() => daemon?.stop());

let count = 0;
const freshName = (): string => `container-${++count}`;

const run = (name: string, flags: readonly string[], words: readonly string[]): string[] => [
  "run",
  "--runc-binary",
  runtime,
  ...flags,
  image,
  name,
  ...words,
];

/** `ctr run --rm`; nothing of the container may stay. */
async function tryRun(words: readonly string[], flags: readonly string[] = []): Promise<Ended> {
  const name = freshName();
  const ended = await tryCtr(run(name, ["--rm", ...flags], words));
  await nothingLeftOf(name);
  return ended;
}

type Container = { readonly name: string; readonly pid: number };

/** The line of `ctr task ls` for a container. */
async function taskOf(name: string): Promise<{ pid: number; status: string } | undefined> {
  const lines = (await ctr(["task", "ls"])).split("\n").map((line) => line.split(/\s+/));
  const [, pid = "", status = ""] = lines.find((line) => line[0] === name) ?? [];
  return status === "" ? undefined : { pid: Number(pid), status };
}

const isGone = async (name: string): Promise<boolean> => (await taskOf(name))?.status === "STOPPED";

/** Starts a container, lends it to a test, and removes it; nothing of it may stay. */
async function withContainer(
  words: readonly string[],
  body: (container: Container) => Promise<void>,
  flags: readonly string[] = [],
): Promise<void> {
  const name = freshName();
  await ctr(run(name, ["-d", ...flags], words));
  try {
    await body({ name, pid: (await taskOf(name))?.pid ?? 0 });
  } finally {
    await tryCtr(["task", "kill", "-s", "KILL", name]);
    await tryCtr(["task", "delete", "-f", name]);
    await tryCtr(["container", "delete", name]);
  }
  await nothingLeftOf(name);
}

const exec = (name: string, words: readonly string[], flags: readonly string[] = []) =>
  tryCtr(["task", "exec", "--exec-id", `exec-${++count}`, ...flags, name, ...words]);

describe("run", () => {
  test("output, error output and the exit code come through", async () => {
    const script = "echo out; echo err >&2; exit 3";
    const { code, stdout, stderr } = await tryRun(["sh", "-c", script]);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "out\n" });
    expect(stderr).toContain("err\n");
  });

  test("a program that is missing is said by name", async () => {
    const { code, stderr } = await tryRun(["no-such-program"]);
    expect(code).not.toBe(0);
    expect(stderr).toContain("no-such-program");
  });

  test("the calls: with a root of containerd's, and a log in JSON", async () => {
    const calls = await callsWhile(() => tryRun(["true"]));
    const created = calls.find((call) => call.includes(" create "));
    expect(created).toStartWith("--root /run/containerd/runc/default --log ");
    expect(created).toContain(" --log-format json create --bundle ");
  });

  test("flags: environment, directory, host name's namespace, read-only, limits", async () => {
    const flags = ["--env", "A=b c", "--cwd", "/tmp", "--read-only", "--seccomp"];
    flags.push("--memory-limit", String(64 << 20), "--cap-drop", "CAP_CHOWN");
    const script =
      "pwd; echo $A; echo x >/file || echo refused; grep Seccomp: /proc/self/status; chown 1 /tmp || echo no";
    const { stdout } = await tryRun(["sh", "-c", script], flags);
    expect(stdout.replaceAll("\t", " ")).toBe("/tmp\nb c\nrefused\nSeccomp: 2\nno\n");
  });

  test("--net-host and --with-ns join namespaces", async () => {
    const { stdout } = await tryRun(["readlink", "/proc/self/ns/net"], ["--net-host"]);
    expect(stdout.trim()).toBe(readlinkSync("/proc/self/ns/net"));
    await withContainer(waiting, async ({ pid }) => {
      const flags = ["--with-ns", `ipc:/proc/${pid}/ns/ipc`];
      const joined = await tryRun(["readlink", "/proc/self/ns/ipc"], flags);
      expect(joined.stdout.trim()).toBe(readlinkSync(`/proc/${pid}/ns/ipc`));
    });
  });

  test("--uidmap: root inside is somebody else outside", async () => {
    const flags = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"];
    const { stdout } = await tryRun(["cat", "/proc/self/uid_map"], flags);
    expect(stdout.trim().split(/\s+/)).toEqual(["0", "100000", "65536"]);
  });

  test("-t: a shell with a prompt, a size that follows, and its code", async () => {
    const name = freshName();
    const words = run(name, ["--rm", "-t", "--env", "PS1=> "], ["sh"]);
    const environment = process.env as Record<string, string>;
    const session = new Session(ctrWords(words), 101, 37, environment);
    await session.until(/> $/, 15);
    await sizeIsSeen(session, "37 101");
    session.resize(132, 50);
    await sizeIsSeen(session, "50 132");
    session.type("exit 5\n");
    expect(await session.end(15_000)).toBe(5);
    await nothingLeftOf(name);
  });

  test("ten containers at once", async () => {
    const numbers = Array.from({ length: 10 }, (_, i) => String(i));
    const all = await Promise.all(numbers.map((each) => tryRun(["echo", each])));
    expect(all.map(({ stdout }) => stdout.trim())).toEqual(numbers);
  });
});

describe("a task", () => {
  test("exec: output, codes, and what it shares with the container", async () => {
    await withContainer(waiting, async ({ name, pid }) => {
      const script = "echo out; readlink /proc/self/ns/pid; exit 7";
      const { code, stdout } = await exec(name, ["sh", "-c", script]);
      expect(code).toBe(7);
      expect(stdout).toBe(`out\n${readlinkSync(`/proc/${pid}/ns/pid`)}\n`);
      expect((await exec(name, ["pwd"], ["--cwd", "/var/log"])).stdout).toBe("/var/log\n");
      expect((await exec(name, ["id", "-u"], ["--user", "33"])).stdout).toBe("33\n");
      const missing = await exec(name, ["no-such-program"]);
      expect(missing.code).not.toBe(0);
      expect(missing.stderr).toContain("no-such-program");
    });
  });

  test("ls and ps tell what is so", async () => {
    await withContainer(["sh", "-c", "sleep 1000; true"], async ({ name, pid }) => {
      expect(await taskOf(name)).toEqual({ pid, status: "RUNNING" });
      await until("both processes are there", async () => {
        const lines = (await ctr(["task", "ps", name])).split("\n").slice(1);
        return lines.length === 2 && lines.some((line) => line.startsWith(`${pid} `));
      });
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(name);
    });
  });

  test("kill: a signal that is heard, and one that ends it", async () => {
    const script = "trap 'echo one >/tmp/heard' USR1; : >/tmp/up; while :; do sleep 0.05; done";
    await withContainer(["sh", "-c", script], async ({ name, pid }) => {
      await until("it is up", () => existsSync(`/proc/${pid}/root/tmp/up`));
      await ctr(["task", "kill", "-s", "USR1", name]);
      await until("it was heard", () => existsSync(`/proc/${pid}/root/tmp/heard`));
      await ctr(["task", "kill", "-s", "KILL", name]);
      await until("it is gone", () => isGone(name));
    });
    const name = freshName();
    const running = tryCtr(run(name, ["--rm"], waiting));
    await until("it runs", async () => (await taskOf(name))?.status === "RUNNING");
    await ctr(["task", "kill", "-s", "KILL", name]);
    expect((await running).code).toBe(137);
  });

  test("kill --all ends the others, too", async () => {
    const script = "setsid sleep 1001 & exec sleep 1000";
    await withContainer(["sh", "-c", script], async ({ name }) => {
      await ctr(["task", "kill", "--all", "-s", "KILL", name]);
      await until("it is gone", () => isGone(name));
    });
  });

  test("pause and resume", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done";
    await withContainer(["sh", "-c", script], async ({ name, pid }) => {
      const counted = () => readFileSync(`/proc/${pid}/root/tmp/count`, "utf8");
      await until("it counts", () => existsSync(`/proc/${pid}/root/tmp/count`));
      await ctr(["task", "pause", name]);
      expect((await taskOf(name))?.status).toBe("PAUSED");
      const at = counted();
      await Bun.sleep(300);
      expect(counted()).toBe(at);
      await ctr(["task", "resume", name]);
      await until("it counts on", () => !["", at].includes(counted()));
    });
  });

  test("metrics", async () => {
    const limit = String(64 << 20);
    await withContainer(
      waiting,
      async ({ name, pid }) => {
        expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(limit);
        expect(await ctr(["task", "metrics", name])).toMatch(
          /^(memory.usage_in_bytes|memory\.usage)\s+[1-9]/m,
        );
      },
      ["--memory-limit", limit],
    );
  });

  test("a container that is started again", async () => {
    await withContainer(["sh", "-c", "echo once; exit 9"], async ({ name }) => {
      await until("it is gone", () => isGone(name));
      await ctr(["task", "delete", name]);
      const again = await tryCtr(["task", "start", name]);
      expect(again).toMatchObject({ code: 9, stdout: "once\n" });
    });
  });

  test("a process killed from outside is noticed", async () => {
    await withContainer(waiting, async ({ name, pid }) => {
      process.kill(pid, "SIGKILL");
      await until("it is gone", () => isGone(name));
    });
  });
});

describe("namespaces of containerd", () => {
  test("each has a root of the runtime's own", async () => {
    await ctr(["-n", "other", "images", "import", `${process.env["PIVOT_WORLD"]}/image.tar`]);
    const words = ["-n", "other", "run", "--rm", "--runc-binary", runtime, image, "one", "true"];
    const calls = await callsWhile(() => printed(ctrWords(words)));
    expect(calls.every((call) => call.startsWith("--root /run/containerd/runc/other "))).toBeTrue();
    expect(calls.length).toBeGreaterThan(2);
  });
});
