import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeBusyboxRoot } from "./bundle.ts";
import { findProgram } from "./command.ts";
import { compile } from "./compile.ts";

// Making namespaces without a user namespace is for root; the root directory is busybox.
const able = process.getuid?.() === 0 && findProgram("busybox") !== null;

describe.skipIf(!able)("the floor program (needs root and busybox)", () => {
  let directory = "";
  let floor = "";
  const within = (name: string) => join(directory, name);

  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "floor-test-"));
    floor = compile("floor.c", within("floor"));
    makeBusyboxRoot(within("root"));
    mkdirSync(within("scratch"));
  });

  afterAll(() => rmSync(directory, { recursive: true }));

  const fresh = () => ["--overlay", within("root"), "--scratch", within("scratch")];
  const run = (options: string[], script: string) => {
    const args = [...options, "--", "/bin/sh", "-c", script];
    const { status, stdout, stderr } = spawnSync(floor, args, { encoding: "utf8" });
    return { status, stdout, stderr };
  };

  test("gives the container its own namespaces, devices and a loopback interface", () => {
    const script = `echo $$; hostname; ls /proc | grep -c '^[0-9]'; echo $(ls /dev)
      cat /sys/class/net/*/address; ip addr show lo | grep -c 127.0.0.1; ls /`;
    const { stdout, stderr, status } = run(fresh(), script);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    const [pid, host, processes, devices, address, loopback, ...root] = stdout.trim().split("\n");
    expect([pid, host, address, loopback]).toEqual(["1", "floor", "00:00:00:00:00:00", "1"]);
    expect(Number(processes)).toBeLessThanOrEqual(3);
    expect(devices).toBe(
      "fd full mqueue null ptmx pts random shm stderr stdin stdout tty urandom zero",
    );
    expect(root).toEqual(readdirSync(within("root")).sort());
  });

  test("adds what an engine does, and takes it away again", () => {
    mkdirSync(within("state"));
    const script = `cat /etc/hostname; grep -c localhost /etc/hosts; cat /etc/resolv.conf
      grep -c ' /etc/hosts ' /proc/self/mountinfo; cat /proc/sys/net/ipv4/ip_unprivileged_port_start
      grep ' /sys/fs/cgroup ' /proc/self/mountinfo | cut -d' ' -f6`;
    const { stdout, stderr } = run([...fresh(), "--engine", within("state")], script);
    expect(stderr).toBe("");
    const [host, localhost, server, bound, port, options] = stdout.trim().split("\n");
    expect([host, localhost, server]).toEqual(["floor", "2", "nameserver 127.0.0.1"]);
    expect([bound, port]).toEqual(["1", "0"]);
    expect(options).toMatch(/^ro,nosuid,nodev,noexec/);
    expect(readdirSync(within("state"))).toEqual([]);
  });

  test("takes privileges away and hides what the kernel tells about the host", () => {
    const script = `grep -E '^(CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs)' /proc/self/status
      ulimit -n; ls /sys/firmware | wc -l; wc -c </proc/timer_list; echo 1 >/proc/sys/vm/swappiness`;
    const { stdout, stderr } = run(fresh(), script);
    const docker = "00000000a80425fb";
    expect(
      stdout
        .replaceAll(/[\t ]+/g, " ")
        .trim()
        .split("\n"),
    ).toEqual([
      "CapInh: 0000000000000000",
      `CapPrm: ${docker}`,
      `CapEff: ${docker}`,
      `CapBnd: ${docker}`,
      "CapAmb: 0000000000000000",
      "NoNewPrivs: 1",
      "1024",
      "0",
      "0",
    ]);
    expect(stderr).toContain("Read-only file system");
  });

  test("leaves nothing behind, nor in the lower directory", () => {
    const { status } = run(fresh(), "mkdir -p /a/b && echo x >/a/b/c && rm /etc/passwd; exit 7");
    expect(status).toBe(7);
    expect(readdirSync(within("scratch"))).toEqual([]);
    expect(existsSync(within("root/etc/passwd"))).toBe(true);
    expect(existsSync(within("root/a"))).toBe(false);
  });

  test("writes to the directory itself when that is the root", () => {
    const { status } = run(["--root", within("root")], "echo x >/tmp/written; kill -9 $$");
    // Signals that its own namespace sends to process 1 have no effect without a handler.
    expect(status).toBe(0);
    expect(existsSync(within("root/tmp/written"))).toBe(true);
  });

  test("stays in the caller's network when told to", () => {
    const count = "ls /sys/class/net | wc -l; cat /proc/net/dev | wc -l";
    const outside = spawnSync("sh", ["-c", "cat /proc/net/dev | wc -l"], { encoding: "utf8" });
    expect(run([...fresh(), "--no-net"], count).stdout.split("\n")[1]).toBe(outside.stdout.trim());
    expect(run(fresh(), count).stdout).toBe("1\n3\n");
  });

  const pids = "/sys/fs/cgroup/pids";
  test.skipIf(!existsSync(join(pids, "tasks")))("joins a cgroup v1 and removes it", () => {
    const cgroup = join(pids, `floor-test-${process.pid}`);
    const options = [...fresh(), "--cgroup", cgroup];
    // Seen from inside, the cgroup is the root of its namespace.
    expect(run(options, "grep :pids: /proc/self/cgroup").stdout).toMatch(/^\d+:pids:\/\n$/);
    expect(existsSync(cgroup)).toBe(false);
  });

  test("says what failed on which object", () => {
    const missing = spawnSync(floor, [...fresh(), "--", "/missing"], { encoding: "utf8" });
    expect(missing.stderr).toBe("floor: exec /missing: No such file or directory\n");
    expect(missing.status).toBe(125);
    expect(readdirSync(within("scratch"))).toEqual([]);
    const unclear = spawnSync(floor, ["--root", "/", "--overlay", "/", "--", "/bin/true"]);
    expect(String(unclear.stderr)).toStartWith("usage: floor");
  });
});
