// What docker does with containers that run: exec, terminals, signals, limits.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { Session } from "../session.ts";
import { type Daemon } from "./command.ts";
import {
  docker,
  dockerWords,
  inspected,
  pidOf,
  startDocker,
  tryDocker,
  withContainer,
} from "./docker.ts";
import { image } from "./image.ts";
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

const test = testsWith("docker", "dockerd", "containerd");
let daemon: Daemon | undefined;

beforeAll(async () => {
  if (whyNotWith("docker", "dockerd", "containerd") === undefined) daemon = await startDocker();
}, 60_000);

afterAll(() => daemon?.stop());

const terminal = (words: readonly string[], cols = 80, rows = 24): Session =>
  new Session(dockerWords(words), cols, rows, process.env as Record<string, string>);

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
      await tryDocker(["rm", "-f", "typed"]);
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
      await Bun.sleep(500);
      session.type("echo $((6*7))\n");
      await session.until(/42\r\n> $/, 15);
      session.type("\u0010"); // ctrl-p, ctrl-q
      await Bun.sleep(100);
      session.type("\u0011");
      await session.end(10_000);
      expect(existsSync(`/proc/${pid}`)).toBeTrue();
      expect(await docker(["logs", id])).toContain("42");
    });
  });
});

describe("exec", () => {
  test("output, codes, standard input", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const script = "echo out; echo err >&2; exit 7";
      const ended = await tryDocker(["exec", id, "sh", "-c", script]);
      expect(ended).toEqual({ code: 7, stdout: "out\n", stderr: "err\n" });
      expect(await docker(["exec", "-i", id, "cat"], { input: "given" })).toBe("given");
    });
  });

  test("a program that is missing or cannot be run is said by name", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      expect((await tryDocker(["exec", id, "/etc"])).code).toBe(126);
      for (const program of ["no-such-program", "/no/such/path"]) {
        const { code, stdout, stderr } = await tryDocker(["exec", id, program]);
        // Daemons before 23 give 126 for what is missing, too.
        expect([126, 127]).toContain(code);
        expect(stdout + stderr).toContain(program);
      }
    });
  });

  test("-u, -w, -e, and what it shares with the container", async () => {
    await withContainer(["-e", "FIRST=1", image, ...waiting], async ({ id, pid }) => {
      const script =
        "id -u; id -g; pwd; echo $FIRST $SECOND; readlink /proc/self/ns/pid; cat /proc/self/cgroup";
      const flags = ["-u", "www", "-w", "/tmp", "-e", "SECOND=2"];
      const lines = (await docker(["exec", ...flags, id, "sh", "-c", script])).split("\n");
      expect(lines.slice(0, 4)).toEqual(["33", "44", "/tmp", "1 2"]);
      expect(lines[4]).toBe(readlinkSync(`/proc/${pid}/ns/pid`));
      expect(lines.slice(5).join("\n")).toBe(await docker(["exec", id, "cat", "/proc/1/cgroup"]));
    });
  });

  test("-d runs on by itself", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      await docker(["exec", "-d", id, "sh", "-c", "sleep 0.3; echo late >/tmp/late"]);
      await until("the command wrote its file", async () => {
        return (await tryDocker(["exec", id, "cat", "/tmp/late"])).stdout === "late\n";
      });
    });
  });

  test("ten at once", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      const numbers = Array.from({ length: 10 }, (_, i) => String(i));
      const said = await Promise.all(numbers.map((each) => docker(["exec", id, "echo", each])));
      expect(said).toEqual(numbers);
    });
  });
});

describe("a container's life", () => {
  test("create, start, wait, start again, and its log", async () => {
    const words = ["create", "--network", "none", image, "sh", "-c", "echo once; exit 4"];
    const id = await docker(words);
    expect(await inspected(id, "{{.State.Status}}")).toBe("created");
    for (const log of ["once", "once\nonce"]) {
      await docker(["start", id]);
      expect(await docker(["wait", id])).toBe("4");
      expect(await docker(["logs", id])).toBe(log);
    }
    await docker(["rm", id]);
    await nothingLeftOf(id);
  });

  test("inspect and ps tell what is so", async () => {
    await withContainer([image, "sleep", "1000"], async ({ id, pid }) => {
      expect(await inspected(id, "{{.State.Status}} {{.HostConfig.Runtime}}")).toBe(
        "running tested",
      );
      expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("sleep\u00001000\u0000");
      expect(readFileSync(`/proc/${pid}/cgroup`, "utf8")).toContain(id);
      expect(
        await docker([
          "ps",
          "--no-trunc",
          "--filter",
          `id=${id}`,
          "--format",
          "{{.ID}} {{.State}}",
        ]),
      ).toBe(`${id} running`);
    });
  });

  const atOnce = "echo up; while :; do sleep 0.05; done";

  test("stop asks with SIGTERM", async () => {
    const script = `trap 'echo asked; exit 9' TERM; ${atOnce}`;
    await withContainer([image, "sh", "-c", script], async ({ id, pid }) => {
      await until("it is up", async () => (await docker(["logs", id])) === "up");
      await docker(["stop", id]);
      expect(await inspected(id, "{{.State.Status}} {{.State.ExitCode}}")).toBe("exited 9");
      expect(await docker(["logs", id])).toBe("up\nasked");
      expect(existsSync(`/proc/${pid}`)).toBeFalse();
    });
  });

  test("stop kills what does not listen", async () => {
    await withContainer([image, "sh", "-c", `trap '' TERM; ${atOnce}`], async ({ id }) => {
      await until("it is up", async () => (await docker(["logs", id])) === "up");
      const calls = await callsWhile(() => docker(["stop", "-t", "1", id]));
      expect(calls.map((call) => call.split(" ").at(-1))).toEqual(
        expect.arrayContaining(["15", "9"]),
      );
      expect(await inspected(id, "{{.State.ExitCode}}")).toBe("137");
    });
  });

  test("kill -s", async () => {
    await withContainer([image, "sh", "-c", `trap 'echo one' USR1; ${atOnce}`], async ({ id }) => {
      await until("it is up", async () => (await docker(["logs", id])) === "up");
      await docker(["kill", "-s", "USR1", id]);
      await until("the signal was heard", async () => (await docker(["logs", id])) === "up\none");
      await docker(["kill", id]);
      expect(await docker(["wait", id])).toBe("137");
    });
  });

  test("restart gives a new first process", async () => {
    await withContainer([image, ...waiting], async ({ id, pid }) => {
      await docker(["restart", "-t", "2", id]);
      expect(await inspected(id, "{{.State.Status}}")).toBe("running");
      expect(await pidOf(id)).not.toBe(pid);
      expect(existsSync(`/proc/${pid}`)).toBeFalse();
    });
  });

  test("--restart on-failure starts what failed again", async () => {
    const words = ["--restart", "on-failure:2", image, "sh", "-c", "echo try; exit 1"];
    await withContainer(words, async ({ id }) => {
      await until("it was started three times", async () => {
        return (await docker(["logs", id])) === "try\ntry\ntry";
      });
    });
  });

  test("--restart always starts again what was killed from outside", async () => {
    await withContainer(["--restart", "always", image, ...waiting], async ({ id, pid }) => {
      process.kill(pid, "SIGKILL");
      await until("there is another first process", async () => {
        return ![0, pid].includes(await pidOf(id));
      });
    });
  });

  test("pause and unpause", async () => {
    const script = "i=0; while :; do i=$((i+1)); echo $i >/tmp/count; sleep 0.02; done";
    await withContainer([image, "sh", "-c", script], async ({ id, pid }) => {
      const count = () => readFileSync(`/proc/${pid}/root/tmp/count`, "utf8");
      await until("it counts", () => existsSync(`/proc/${pid}/root/tmp/count`));
      await docker(["pause", id]);
      expect(await inspected(id, "{{.State.Status}}")).toBe("paused");
      const at = count();
      await Bun.sleep(300);
      expect(count()).toBe(at);
      expect((await tryDocker(["exec", id, "true"])).code).not.toBe(0);
      await docker(["unpause", id]);
      await until("it counts on", () => !["", at].includes(count()));
    });
  });

  test("rm -f of a paused container", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      await docker(["pause", id]);
    });
  });

  test("processes that the command left end with it", async () => {
    const script = "sleep 1000 & setsid sleep 1001 & echo up; exec sleep 1002";
    await withContainer([image, "sh", "-c", script], async ({ id, pid }) => {
      await until("it is up", async () => (await docker(["logs", id])) === "up");
      process.kill(pid, "SIGKILL");
      expect(await docker(["wait", id])).toBe("137");
      await nothingLeftOf(id);
    });
  });

  test("logs -f to the end", async () => {
    const script = "for i in $(seq 1 500); do echo out $i; done; sleep 0.5; echo last";
    await withContainer([image, "sh", "-c", script], async ({ id }) => {
      const lines = (await docker(["logs", "-f", id])).split("\n");
      expect(lines).toEqual([...Array.from({ length: 500 }, (_, i) => `out ${i + 1}`), "last"]);
    });
  });

  test("a health check runs in the container", async () => {
    const flags = ["--health-cmd", "test -e /tmp/well", "--health-interval", "0.3s"];
    flags.push("--health-retries", "1");
    await withContainer([...flags, image, ...waiting], async ({ id }) => {
      const health = () => inspected(id, "{{.State.Health.Status}}");
      await until("it is ill", async () => (await health()) === "unhealthy");
      await docker(["exec", id, "touch", "/tmp/well"]);
      await until("it is well", async () => (await health()) === "healthy");
    });
  });

  test("cp in and out of a running container", async () => {
    await withContainer([image, ...waiting], async ({ id }) => {
      writeFileSync(`${world}/docker-copy`, "copied\n");
      await docker(["cp", `${world}/docker-copy`, `${id}:/tmp/there`]);
      expect(await docker(["exec", id, "cat", "/tmp/there"])).toBe("copied");
      await docker(["cp", `${id}:/tmp/there`, `${world}/docker-back`]);
      expect(readFileSync(`${world}/docker-back`, "utf8")).toBe("copied\n");
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

  test("update changes them", async () => {
    await withContainer(["-m", "64m", image, ...waiting], async ({ id, pid }) => {
      await docker(["update", "-m", "96m", "--memory-swap", "96m", "--cpus", "0.25", id]);
      expect(cgroupFile(pid, "memory.limit_in_bytes", "memory.max")).toBe(String(96 << 20));
      expect(cgroupFile(pid, "cpu.cfs_quota_us", "cpu.max")).toStartWith("25000");
    });
  });

  test("stats and top", async () => {
    await withContainer([image, "sh", "-c", "sleep 1000; true"], async ({ id }) => {
      const stats = JSON.parse(await docker(["stats", "--no-stream", "--format", "json", id]));
      expect(stats).toMatchObject({ PIDs: "2" });
      expect(stats.MemUsage).not.toStartWith("0B");
      const top = (await docker(["top", id, "-o", "pid,comm"])).split("\n");
      expect(top.slice(1).map((line) => line.trim().split(/\s+/)[1])).toEqual(["sh", "sleep"]);
    });
  });
});
