// docker run and build, with real containers of the runtime under test.

import { afterAll, beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";

import { type Daemon, printed } from "./command.ts";
import {
  docker,
  dockerWords,
  inspected,
  runOnce,
  startDocker,
  tryDocker,
  tryRun,
  withContainer,
} from "./docker.ts";
import { image } from "./image.ts";
import {
  callsWhile,
  knownOf,
  nothingLeftOf,
  testsWith,
  waiting,
  whyNotWith,
  withoutCapability,
  world,
} from "./world.ts";

const test = testsWith("docker", "dockerd", "containerd");
let daemon: Daemon | undefined;

beforeAll(async () => {
  if (whyNotWith("docker", "dockerd", "containerd") === undefined) daemon = await startDocker();
}, 60_000);

afterAll(() => daemon?.stop());

// docker reads what the runtime says.
const wordsOfCrun = knownOf("crun", "docker does not know crun's words for it, and gives 125");

describe("run", () => {
  test("output, error output and the exit code come through", async () => {
    const script = "echo out; echo err >&2; exit 3";
    expect(await tryRun([image, "sh", "-c", script])).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect((await tryRun(["--runtime", "tested", image, "true"])).code).toBe(0);
  });

  test(
    "a program that is missing gives 127, one that cannot be run 126",
    async () => {
      const missing = await tryRun([image, "no-such-program"]);
      expect(missing).toMatchObject({ code: 127, stdout: "" });
      expect(missing.stderr).toContain("no-such-program");
      expect((await tryRun([image, "/no/such/path"])).code).toBe(127);
      expect((await tryRun([image, "/etc"])).code).toBe(126);
      expect((await tryRun([image, "/etc/passwd"])).code).toBe(126);
    },
    { unless: wordsOfCrun },
  );

  test("standard input is read to its end", async () => {
    const text = "a line\n".repeat(50_000);
    expect(await runOnce(["-i", image, "wc", "-c"], { input: text })).toBe(String(text.length));
    expect(await runOnce([image, "cat"])).toBe("");
  });

  test("environment, working directory, user, groups and host name", async () => {
    const flags = ["-e", "A=b c", "-w", "/var/log", "-u", "www", "--hostname", "there"];
    const script = "id -u; id -g; id -G; pwd; hostname; echo $A; echo $OF_THE_IMAGE";
    expect(await runOnce([...flags, image, "sh", "-c", script])).toBe(
      "33\n44\n44 77\n/var/log\nthere\nb c\nyes",
    );
  });

  test("--read-only and --tmpfs", async () => {
    const script =
      "echo x >/file || echo refused; echo x >/mem/file && cat /mem/file; grep ' /mem ' /proc/mounts";
    const flags = ["--read-only", "--tmpfs", "/mem:size=1m"];
    const { stdout } = await tryRun([...flags, image, "sh", "-c", script]);
    expect(stdout).toMatch(/^refused\nx\ntmpfs .*size=1024k/);
  });

  test("volumes: of the host, read-only, and named", async () => {
    const directory = `${world}/docker-volume`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/in`, "from the host\n");
    const script =
      "cat /v/in; echo back >/v/out; echo x >/r/no || echo refused; echo kept >/n/file";
    const mounts = ["-v", `${directory}:/v`, "-v", `${directory}:/r:ro`, "-v", "named:/n"];
    expect(await runOnce([...mounts, image, "sh", "-c", script])).toBe("from the host\nrefused");
    expect(readFileSync(`${directory}/out`, "utf8")).toBe("back\n");
    expect(await runOnce(["-v", "named:/n", image, "cat", "/n/file"])).toBe("kept");
    await docker(["volume", "rm", "named"]);
  });

  test("--init: a first process that is not the command", async () => {
    const script = "echo $$; tr '\\0' ' ' </proc/1/cmdline";
    expect(await runOnce(["--init", image, "sh", "-c", script])).toMatch(/^[2-9]\n.*init -- sh -c/);
  });

  test("--pid host sees the processes outside, and its own end with it", async () => {
    const seen = await runOnce(["--pid", "host", image, "cat", "/proc/1/cmdline"]);
    expect(seen).toBe(readFileSync("/proc/1/cmdline", "utf8"));
    const script = "sleep 1000 & exec sleep 1001";
    await withContainer(["--pid", "host", image, "sh", "-c", script], async ({ id }) => {
      await docker(["kill", id]);
      await nothingLeftOf(id);
    });
  });

  test("capabilities, seccomp and no_new_privs as docker asks", async () => {
    const script = "grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status";
    const flags = [
      "--cap-drop",
      "all",
      "--cap-add",
      "chown",
      "--security-opt",
      "no-new-privileges",
    ];
    expect((await runOnce([...flags, image, "sh", "-c", script])).replaceAll("\t", " ")).toBe(
      "CapEff: 0000000000000001\nNoNewPrivs: 1\nSeccomp: 2",
    );
  });

  test(
    "--privileged has every capability",
    async () => {
      const all = /^CapBnd:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "?";
      expect(await runOnce(["--privileged", image, "cat", "/proc/self/status"])).toContain(all);
    },
    { unless: withoutCapability("CAP_SYS_RESOURCE, which dockerd takes for granted", 24) },
  );

  test("--device, --ulimit and --sysctl", async () => {
    const flags = ["--device", "/dev/kmsg:/dev/mine:r", "--cap-add", "syslog"];
    flags.push("--ulimit", "nofile=77:99", "--sysctl", "kernel.msgmax=4242");
    const script =
      "stat -c '%t %T' /dev/mine; (: </dev/mine) && echo read; (: >/dev/mine) || echo no; ulimit -n; ulimit -Hn; cat /proc/sys/kernel/msgmax";
    const { stdout } = await tryRun([...flags, image, "sh", "-c", script]);
    expect(stdout).toBe("1 b\nread\nno\n77\n99\n4242\n");
  });

  test("too much memory ends the container with 137, and docker knows why", async () => {
    await withContainer(["-m", "24m", image, "tail", "/dev/zero"], async ({ id }) => {
      expect(await docker(["wait", id])).toBe("137");
      expect(await inspected(id, "{{.State.OOMKilled}}")).toBe("true");
    });
  });

  test("docker's bridge: the hook moves an interface into the container", async () => {
    const id = await docker(["run", "-d", image, "httpd", "-f", "-p", "80", "-h", "/etc"]);
    try {
      const address = await inspected(id, "{{.NetworkSettings.IPAddress}}");
      expect(await docker(["exec", id, "ip", "-o", "-4", "addr", "show", "eth0"])).toContain(
        address,
      );
      expect(
        await docker(["run", "--rm", image, "wget", "-qO-", `http://${address}/group`]),
      ).toContain("www:x:44");
    } finally {
      await docker(["rm", "-f", id]);
    }
    await nothingLeftOf(id);
  });

  test("--network, --ipc and --pid container: join a container's namespaces", async () => {
    await withContainer(["--ipc", "shareable", image, ...waiting], async ({ id, pid }) => {
      const names = ["net", "ipc", "pid"];
      const flags = ["--network", "--ipc", "--pid"].flatMap((flag) => [flag, `container:${id}`]);
      const script = `for each in ${names.join(" ")}; do readlink /proc/self/ns/$each; done`;
      const { stdout } = await tryDocker(["run", "--rm", ...flags, image, "sh", "-c", script]);
      expect(stdout.trim().split("\n")).toEqual(
        names.map((name) => readlinkSync(`/proc/${pid}/ns/${name}`)),
      );
    });
  });

  test(
    "twenty containers at once",
    async () => {
      const numbers = Array.from({ length: 20 }, (_, i) => String(i));
      const run = (each: string) =>
        runOnce(["--label", "one-of-twenty", image, "echo", each], { patience: 60 });
      expect(await Promise.all(numbers.map(run))).toEqual(numbers);
      expect(await docker(["ps", "-aq", "--filter", "label=one-of-twenty"])).toBe("");
    },
    { patience: 90 },
  );
});

describe("build", () => {
  const build = (file: string) =>
    printed(dockerWords(["build", "-q", "--network", "none", "-t", "built", "-"]), {
      input: file,
      env: { DOCKER_BUILDKIT: "0" },
    });

  test("without BuildKit, the daemon's default runtime takes the RUN lines", async () => {
    const calls = await callsWhile(() => build(`FROM ${image}\nRUN id -u >/made && echo ok\n`));
    expect(calls.some((call) => / start /.test(call))).toBeTrue();
    expect(await runOnce(["built", "cat", "/made"])).toBe("0");
    await docker(["rmi", "built"]);
  });

  test("a RUN line that fails tells its code", async () => {
    await expect(build(`FROM ${image}\nRUN exit 5\n`)).rejects.toThrow("non-zero code: 5");
  });
});
