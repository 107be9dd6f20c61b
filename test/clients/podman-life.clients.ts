// What podman does with containers that run: exec, terminals, signals, limits, pods.

import { beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { Session } from "../session.ts";
import { image } from "./image.ts";
import {
  inspected,
  pidOf,
  podman,
  podmanEnvironment,
  podmanWords,
  preparePodman,
  tryPodman,
  withContainer,
} from "./podman.ts";
import { sizeIsSeen } from "./terminal-size.ts";
import {
  callsWhile,
  cgroupFile,
  nothingLeftOf,
  testsWith,
  until,
  waiting,
  whyNotWith,
  world,
} from "./world.ts";

const test = testsWith("podman", "conmon");

beforeAll(async () => {
  if (whyNotWith("podman", "conmon") === undefined) await preparePodman();
});

const terminal = (words: readonly string[], cols = 80, rows = 24): Session =>
  new Session(podmanWords(words), cols, rows, podmanEnvironment);

describe("terminals", () => {
  test("run -it: a shell with a prompt, a size that follows, and its code", async () => {
    const flags = ["run", "--rm", "-it", "--name", "typed", "--network", "none", "-e", "PS1=> "];
    const session = terminal([...flags, image, "sh"], 101, 37);
    try {
      await session.until(/> $/, 15);
      await sizeIsSeen(session, "37 101");
      session.type("tty\n");
      await session.until(/\/dev\/pts\/0\r\n/);
      session.resize(132, 50);
      await sizeIsSeen(session, "50 132");
      session.type("exit 5\n");
      expect(await session.end(15_000)).toBe(5);
    } finally {
      await tryPodman(["rm", "-f", "typed"]);
    }
  });

  test("exec -it: a terminal of its own in a container that has none", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const session = terminal(["exec", "-it", "-e", "PS1=> ", id, "sh"], 90, 30);
      await session.until(/> $/, 15);
      await sizeIsSeen(session, "30 90");
      session.type("tty; exit 6\n");
      await session.until(/\/dev\/pts\/0\r\n/);
      expect(await session.end(15_000)).toBe(6);
    });
  });

  test("attach and detach keys leave a container with a terminal running", async () => {
    await withContainer(["-it", "-e", "PS1=> ", image, "sh"], async ({ id, pid }) => {
      const session = terminal(["attach", id]);
      await Bun.sleep(300);
      session.type("echo $((6*7))\n");
      await session.until(/42\r\n> $/, 15);
      // ctrl-p, ctrl-q: podman looks for keys in reads of one byte.
      session.type("\u0010");
      await Bun.sleep(200);
      session.type("\u0011");
      expect(await session.end(10_000)).toBe(0);
      expect(existsSync(`/proc/${pid}`)).toBeTrue();
      expect(await podman(["logs", id])).toContain("42");
    });
  });
});

describe("exec", () => {
  test("output, codes, standard input", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const ended = await tryPodman(["exec", id, "sh", "-c", "echo out; echo err >&2; exit 7"]);
      expect(ended).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
      expect(await podman(["exec", "-i", id, "cat"], { input: "given" })).toBe("given");
      expect((await tryPodman(["exec", id, "no-such-program"])).code).toBe(127);
      expect((await tryPodman(["exec", id, "/etc"])).code).toBe(126);
    });
  });

  test("-u, -w, -e, and what it shares with the container", async () => {
    await withContainer(["-e", "FIRST=1", image, ...waiting], async ({ id, pid }) => {
      const script =
        "id -u; id -g; pwd; echo $FIRST $SECOND; readlink /proc/self/ns/pid; cat /proc/self/cgroup";
      const flags = ["-u", "www", "-w", "/tmp", "-e", "SECOND=2"];
      const lines = (await podman(["exec", ...flags, id, "sh", "-c", script])).split("\n");
      expect(lines.slice(0, 4)).toEqual(["33", "44", "/tmp", "1 2"]);
      expect(lines[4]).toBe(readlinkSync(`/proc/${pid}/ns/pid`));
      const first = await podman(["exec", id, "cat", "/proc/1/cgroup"]);
      expect(lines.slice(5).join("\n")).toBe(first);
      expect((await tryPodman(["exec", "-u", "nobody-here", id, "true"])).code).not.toBe(0);
    });
  });

  test("-d runs on by itself", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      await podman(["exec", "-d", id, "sh", "-c", "sleep 0.3; echo late >/tmp/late"]);
      await until("the command wrote its file", async () => {
        return (await tryPodman(["exec", id, "cat", "/tmp/late"])).stdout === "late\n";
      });
    });
  });

  test("--privileged has more capabilities than the container", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const effective = (...flags: string[]) =>
        podman(["exec", ...flags, id, "grep", "CapEff", "/proc/self/status"]);
      expect(await effective("--privileged")).not.toBe(await effective());
    });
  });

  test("ten at once", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const numbers = Array.from({ length: 10 }, (_, i) => String(i));
      const said = await Promise.all(numbers.map((each) => podman(["exec", id, "echo", each])));
      expect(said).toEqual(numbers);
    });
  });
});

describe("a container's life", () => {
  test("create, start, wait, start again, and its log", async () => {
    const id = await podman([
      "create",
      "--network",
      "none",
      image,
      "sh",
      "-c",
      "echo once; exit 4",
    ]);
    expect(await inspected(id, "{{.State.Status}}")).toBe("created");
    await podman(["start", id]);
    expect(await podman(["wait", id])).toBe("4");
    await podman(["start", id]);
    expect(await podman(["wait", id])).toBe("4");
    expect(await podman(["logs", id])).toBe("once\nonce");
    await podman(["rm", id]);
    await nothingLeftOf(id);
  });

  test("init: created for the runtime too, then removed without a start", async () => {
    const id = await podman(["create", "--network", "none", image, "true"]);
    await podman(["init", id]);
    expect(await inspected(id, "{{.State.Status}}")).toBe("initialized");
    expect(await pidOf(id)).toBeGreaterThan(0);
    await podman(["rm", "-f", "-t", "0", id]);
    await nothingLeftOf(id);
  });

  test("inspect and ps tell what is so", async () => {
    await withContainer([image, "sleep", "1000"], async ({ id, pid }) => {
      expect(await inspected(id, "{{.State.Status}} {{.State.Running}}")).toBe("running true");
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\u00001000\u0000");
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(id);
      expect(readlinkSync(`/proc/${pid}/ns/mnt`)).not.toBe(readlinkSync("/proc/self/ns/mnt"));
      expect(
        await podman([
          "ps",
          "--no-trunc",
          "--filter",
          `id=${id}`,
          "--format",
          "{{.ID}} {{.Status}}",
        ]),
      ).toStartWith(`${id} Up`);
    });
  });

  test("stop asks with SIGTERM", async () => {
    await withContainer(
      [image, "sh", "-c", "trap 'echo asked; exit 9' TERM; echo up; while :; do sleep 0.05; done"],
      async ({ id, pid }) => {
        await until("it is up", async () => (await podman(["logs", id])) === "up");
        await podman(["stop", id]);
        expect(await inspected(id, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 9");
        expect(await podman(["logs", id])).toBe("up\nasked");
        expect(existsSync(`/proc/${pid}`)).toBeFalse();
      },
    );
  });

  test("stop kills what does not listen", async () => {
    await withContainer(
      [image, "sh", "-c", "trap '' TERM; echo up; sleep 1000"],
      async ({ id }) => {
        await until("it is up", async () => (await podman(["logs", id])) === "up");
        const calls = await callsWhile(() => podman(["stop", "-t", "1", id]));
        expect(calls.map((call) => call.split(" ").at(-1))).toEqual(
          expect.arrayContaining(["15", "9"]),
        );
        expect(await inspected(id, "{{.State.ExitCode}}")).toBe("137");
      },
    );
  });

  test("kill -s", async () => {
    const script = "trap 'echo one' USR1; echo up; while :; do sleep 0.05; done";
    await withContainer([image, "sh", "-c", script], async ({ id }) => {
      await until("it is up", async () => (await podman(["logs", id])) === "up");
      await podman(["kill", "-s", "USR1", id]);
      await until("the signal was heard", async () => (await podman(["logs", id])) === "up\none");
      await podman(["kill", id]);
      expect(await podman(["wait", id])).toBe("137");
      expect((await tryPodman(["kill", id])).code).not.toBe(0);
    });
  });

  test("restart gives a new first process", async () => {
    await withContainer([image, ...waiting], async ({ id, pid }) => {
      await podman(["restart", "-t", "2", id]);
      expect(await inspected(id, "{{.State.Status}}")).toBe("running");
      expect(await pidOf(id)).not.toBe(pid);
      expect(existsSync(`/proc/${pid}`)).toBeFalse();
    });
  });

  test("--restart on-failure starts what failed again", async () => {
    await withContainer(
      ["--restart", "on-failure:2", image, "sh", "-c", "echo try; exit 1"],
      async ({ id }) => {
        await until(
          "it was started three times",
          async () => (await podman(["logs", id])) === "try\ntry\ntry",
        );
      },
    );
  });

  test("pause and unpause", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done";
    await withContainer([image, "sh", "-c", script], async ({ id, pid }) => {
      const count = () => readFileSync(`/proc/${pid}/root/tmp/count`, "utf8");
      await until("it counts", () => existsSync(`/proc/${pid}/root/tmp/count`));
      await podman(["pause", id]);
      expect(await inspected(id, "{{.State.Status}}")).toBe("paused");
      const at = count();
      await Bun.sleep(300);
      expect(count()).toBe(at);
      expect((await tryPodman(["exec", id, "true"])).code).not.toBe(0);
      await podman(["unpause", id]);
      await until("it counts on", () => !["", at].includes(count()));
    });
  });

  test("rm -f of a paused container", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      await podman(["pause", id]);
    });
  });

  test("processes that the command left end with it", async () => {
    const script = "sleep 1000 & setsid sleep 1001 & echo up; exec sleep 1002";
    await withContainer([image, "sh", "-c", script], async ({ id, pid }) => {
      await until("it is up", async () => (await podman(["logs", id])) === "up");
      process.kill(pid, "SIGKILL");
      expect(await podman(["wait", id])).toBe("137");
      await nothingLeftOf(id);
    });
  });

  test("logs of both streams, in order and to the end", async () => {
    const script = "for i in $(seq 1 500); do echo out $i; done; echo err >&2";
    const id = await podman(["run", "-d", "--network", "none", image, "sh", "-c", script]);
    await podman(["wait", id]);
    const { stdout, stderr } = await tryPodman(["logs", id]);
    expect(stdout.split("\n").slice(0, 500)).toEqual(
      Array.from({ length: 500 }, (_, i) => `out ${i + 1}`),
    );
    expect(stdout + stderr).toContain("err\n");
    await podman(["rm", id]);
  });

  test("healthcheck run", async () => {
    const flags = ["--health-cmd", "test -e /tmp/well", "--health-interval", "disable"];
    await withContainer([...flags, image, ...waiting], async ({ id }) => {
      expect((await tryPodman(["healthcheck", "run", id])).code).toBe(1);
      await podman(["exec", id, "touch", "/tmp/well"]);
      expect((await tryPodman(["healthcheck", "run", id])).code).toBe(0);
    });
  });

  test("cp in and out of a running container", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      writeFileSync(`${world}/to-copy`, "copied\n");
      await podman(["cp", `${world}/to-copy`, `${id}:/tmp/there`]);
      expect(await podman(["exec", id, "cat", "/tmp/there"])).toBe("copied");
      await podman(["cp", `${id}:/tmp/there`, `${world}/back`]);
      expect(readFileSync(`${world}/back`, "utf8")).toBe("copied\n");
    });
  });
});

describe("limits", () => {
  test("are in force from the start", async () => {
    const flags = ["-m", "64m", "--cpus", "0.5", "--pids-limit", "50", "--cpuset-cpus", "0"];
    await withContainer([...flags, image, ...waiting], async ({ pid }) => {
      expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(String(64 << 20));
      expect(cgroupFile(pid, "pids.max", "pids.max")).toBe("50");
      expect(cgroupFile(pid, "cpuset.cpus", "cpuset.cpus")).toBe("0");
      expect(cgroupFile(pid, "cpu.cfs_quota_us", "cpu.max")).toStartWith("50000");
    });
  });

  test("container update changes them", async () => {
    await withContainer(["-m", "64m", image, ...waiting], async ({ id, pid }) => {
      await podman([
        "container",
        "update",
        "-m",
        "96m",
        "--memory-swap",
        "96m",
        "--cpus",
        "0.25",
        id,
      ]);
      expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(String(96 << 20));
      expect(cgroupFile(pid, "cpu.cfs_quota_us", "cpu.max")).toStartWith("25000");
    });
  });

  test("stats and top", async () => {
    await withContainer([image, "sleep", "1000"], async ({ id }) => {
      const stats = JSON.parse(await podman(["stats", "--no-stream", "--format", "json", id]));
      expect(stats).toMatchObject([{ pids: "1" }]);
      expect(stats[0].mem_usage).not.toStartWith("0B");
      const top = (await podman(["top", id, "pid", "comm"])).split("\n");
      expect(top.slice(1).map((line) => line.trim().split(/\s+/))).toEqual([["1", "sleep"]]);
    });
  });
});

describe("pods", () => {
  const podCreate = ["pod", "create", "--network", "none"];

  test("two containers share network, ipc and host name, and have roots of their own", async () => {
    const pod = await podman([...podCreate, "--hostname", "of-the-pod"]);
    const containers: string[] = [];
    try {
      const start = () => podman(["run", "-d", "--pod", pod, image, ...waiting]);
      const [one, two] = [await start(), await start()];
      containers.push(one, two);
      const pids = [await pidOf(one), await pidOf(two)] as const;
      const namespace = (pid: number, name: string) => readlinkSync(`/proc/${pid}/ns/${name}`);
      for (const name of ["net", "ipc", "uts"]) {
        expect(namespace(pids[0], name)).toBe(namespace(pids[1], name));
        expect(namespace(pids[0], name)).not.toBe(namespace(process.pid, name));
      }
      for (const name of ["mnt", "pid"]) {
        expect(namespace(pids[0], name)).not.toBe(namespace(pids[1], name));
      }
      expect(await podman(["exec", two, "hostname"])).toBe("of-the-pod");
      await podman(["exec", "-d", one, "nc", "-l", "-p", "80", "-e", "echo", "hello"]);
      await until("one hears the other on loopback", async () => {
        return (
          (await tryPodman(["exec", two, "nc", "-w", "1", "127.0.0.1", "80"])).stdout === "hello\n"
        );
      });
      await podman(["pod", "stop", "-t", "1", pod]);
      expect(await inspected(one, "{{.State.Status}}")).toBe("exited");
      await podman(["pod", "start", pod]);
      expect(await inspected(two, "{{.State.Status}}")).toBe("running");
    } finally {
      await podman(["pod", "rm", "-f", "-t", "0", pod]);
    }
    // The pod's own cgroup is podman's affair.
    for (const id of containers) await nothingLeftOf(id);
  });

  test("--share pid: one sees the other's processes", async () => {
    const pod = await podman([...podCreate, "--share", "pid,ipc"]);
    const containers: string[] = [];
    try {
      containers.push(await podman(["run", "-d", "--pod", pod, image, "sleep", "4321"]));
      const seen = await podman(["run", "--rm", "--pod", pod, image, "ps", "-o", "args"]);
      expect(seen).toContain("sleep 4321");
    } finally {
      await podman(["pod", "rm", "-f", "-t", "0", pod]);
    }
    for (const id of containers) await nothingLeftOf(id);
  });

  test("--network container: joins a container's network", async () => {
    await withContainer([image, ...waiting], async ({ id, pid }) => {
      const seen = await podman([
        "run",
        "--rm",
        "--network",
        `container:${id}`,
        image,
        "readlink",
        "/proc/self/ns/net",
      ]);
      expect(seen).toBe(readlinkSync(`/proc/${pid}/ns/net`));
    });
  });
});
