// podman run, with real containers of the runtime under test.

import { beforeAll, describe, expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";

import { image } from "./image.ts";
import {
  inspected,
  podman,
  preparePodman,
  runOnce,
  tryRun,
  withContainer,
  withJsonLog,
} from "./podman.ts";
import { nothingLeftOf, statusOf, testsWith, waiting, whyNotWith, world } from "./world.ts";

const test = testsWith("podman", "conmon");

beforeAll(async () => {
  if (whyNotWith("podman", "conmon") === undefined) await preparePodman();
});

describe("run", () => {
  test("output, error output and the exit code come through", async () => {
    expect(await tryRun([image, "sh", "-c", "echo out; echo err >&2; exit 3"])).toEqual({
      code: 3,
      stdout: "out\n",
      stderr: "err\n",
    });
    expect((await tryRun([image, "true"])).code).toBe(0);
  });

  for (const [kind, env] of [
    ["text", {}],
    ["JSON", withJsonLog],
  ] as const) {
    test(`a program that is missing gives 127, one that cannot be run 126 (log in ${kind})`, async () => {
      const missing = await tryRun([image, "no-such-program"], { env });
      expect(missing).toMatchObject({ code: 127, stdout: "" });
      expect(missing.stderr).toContain("no-such-program");
      expect((await tryRun([image, "/no/such/path"], { env })).code).toBe(127);
      expect((await tryRun([image, "/etc"], { env })).code).toBe(126);
      expect((await tryRun([image, "/etc/passwd"], { env })).code).toBe(126);
    });
  }

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
    const script = "echo x >/file || echo refused; echo x >/mem/file && cat /mem/file";
    const flags = ["--read-only", "--tmpfs", "/mem:size=1m"];
    const { stdout, stderr } = await tryRun([...flags, image, "sh", "-c", script]);
    expect(stdout).toBe("refused\nx\n");
    expect(stderr).toContain("Read-only file system");
  });

  test("volumes: of the host, read-only, and named", async () => {
    const directory = `${world}/volume`;
    mkdirSync(directory, { recursive: true });
    writeFileSync(`${directory}/in`, "from the host\n");
    const script =
      "cat /v/in; echo back >/v/out; echo x >/r/no || echo refused; echo kept >/n/file";
    const mounts = ["-v", `${directory}:/v`, "-v", `${directory}:/r:ro`, "-v", "named:/n"];
    expect(await runOnce([...mounts, image, "sh", "-c", script])).toBe("from the host\nrefused");
    expect(readFileSync(`${directory}/out`, "utf8")).toBe("back\n");
    expect(await runOnce(["-v", "named:/n", image, "cat", "/n/file"])).toBe("kept");
    await podman(["volume", "rm", "named"]);
  });

  test("--init: a first process that is not the command", async () => {
    const text = await runOnce([
      "--init",
      image,
      "sh",
      "-c",
      "echo $$; tr '\\0' ' ' </proc/1/cmdline",
    ]);
    expect(text).toMatch(/^[2-9]\n.*init -- sh -c/);
  });

  test("--pid host sees the processes outside", async () => {
    expect(await runOnce(["--pid", "host", image, "cat", "/proc/1/cmdline"])).toBe(
      readFileSync("/proc/1/cmdline", "utf8"),
    );
  });

  test("--uidmap: root inside is somebody else outside", async () => {
    const map = ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"];
    const maps = await runOnce([...map, image, "cat", "/proc/self/uid_map", "/proc/self/gid_map"]);
    expect(maps.replaceAll(/ +/g, " ")).toBe(" 0 100000 65536\n 0 200000 65536");
    await withContainer([...map, image, ...waiting], async ({ id, pid }) => {
      expect(statusOf(pid, "Uid")).toStartWith("100000\t");
      expect(await podman(["exec", "-u", "33", id, "id", "-u"])).toBe("33");
      expect(await podman(["exec", id, "sh", "-c", "touch /f; stat -c %u /f"])).toBe("0");
    });
  });

  test("--privileged has every capability and the host's devices", async () => {
    const all = /^CapBnd:\s*(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "?";
    const script =
      "grep CapEff /proc/self/status; ls /dev/loop-control /dev/kmsg 2>&1; grep -c . /proc/sys/kernel/core_pattern";
    const text = await runOnce(["--privileged", image, "sh", "-c", script]);
    expect(text).toContain(all);
    expect(text).toContain("/dev/kmsg\n");
  });

  test("capabilities, seccomp and no_new_privs as podman asks", async () => {
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

  test("--device, --ulimit and --sysctl", async () => {
    const flags = [
      "--device",
      "/dev/kmsg:/dev/mine:r",
      "--cap-add",
      "syslog",
      "--ulimit",
      "nofile=77:99",
    ];
    // podman would raise this one, which not every root is allowed to.
    flags.push("--ulimit", "nproc=1000:1000");
    const script =
      "stat -c '%t %T' /dev/mine; (: </dev/mine) && echo read; (: >/dev/mine) || echo no; ulimit -n; ulimit -Hn; cat /proc/sys/kernel/msgmax";
    const text = await tryRun([
      ...flags,
      "--sysctl",
      "kernel.msgmax=4242",
      image,
      "sh",
      "-c",
      script,
    ]);
    expect(text).toMatchObject({ code: 0, stdout: "1 b\nread\nno\n77\n99\n4242\n" });
  });

  test("too much memory ends the container with 137", async () => {
    const id = await podman([
      "run",
      "-d",
      "--network",
      "none",
      "-m",
      "24m",
      image,
      "tail",
      "/dev/zero",
    ]);
    expect(await podman(["wait", id])).toBe("137");
    await podman(["rm", id]);
    await nothingLeftOf(id);
  });

  test("a bridge of podman's: the container joins a network namespace by its path", async () => {
    const name = await podman(["run", "-d", image, ...waiting]);
    try {
      const address = await inspected(name, "{{.NetworkSettings.IPAddress}}");
      expect(await podman(["exec", name, "ip", "-o", "-4", "addr", "show", "eth0"])).toContain(
        address,
      );
    } finally {
      await podman(["rm", "-f", "-t", "0", name]);
    }
    await nothingLeftOf(name);
  });

  test(
    "twenty containers at once",
    async () => {
      const numbers = Array.from({ length: 20 }, (_, i) => String(i));
      const run = (each: string) =>
        runOnce(["--label", "one-of-twenty", image, "echo", each], { patience: 60 });
      expect(await Promise.all(numbers.map(run))).toEqual(numbers);
      expect(await podman(["ps", "-aq", "--filter", "label=one-of-twenty"])).toBe("");
    },
    { patience: 90 },
  );

  test("--cidfile names what is removed at the end, and nothing of it stays", async () => {
    const file = `${world}/cid`;
    await runOnce(["--cidfile", file, image, "true"]);
    await nothingLeftOf(readFileSync(file, "utf8").trim());
  });
});
