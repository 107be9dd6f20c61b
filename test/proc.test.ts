// /proc: it belongs to the container's pid namespace, parts of it are hidden, parts cannot be written.

import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readFileSync } from "node:fs";
import { Ground, whyNot } from "./pivot.ts";
import { parseMountinfo } from "./sight.ts";

const ground = new Ground("proc");

const masked = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/sys/devices/virtual/powercap",
  "/sys/firmware",
].filter((path) => existsSync(path));
const readonly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"].filter(
  (path) => existsSync(path),
);
const isDirectory = (path: string) => lstatSync(path).isDirectory();

/** Lists /proc. `ls` would fail on a process that ends between its name and its look at it. */
const list = "cd /proc && echo *";

/** Every process number that a listing of /proc shows. */
const pidsIn = (text: string): number[] =>
  text
    .split(/\s+/)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);

describe.skipIf(whyNot !== undefined)(`/proc (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("shows the container's processes and no others", () => {
    expect(pidsIn(ground.shell([], "sleep 9 & ls /proc; kill $!"))).toEqual([1, 2, 3]);
  });

  test("/proc/self is the process's own number inside", () => {
    const { pid, status } = ground.probe([]);
    expect(pid).toBe(1);
    expect(status).toMatch(/^NSpid:\t1$/m);
  });

  test("is mounted without set-user-id programs, devices and programs", () => {
    const line = parseMountinfo(ground.probe([]).mountinfo).find(({ at }) => at === "/proc");
    expect(line).toMatchObject({ type: "proc", root: "/" });
    expect(line?.flags).toEqual(expect.arrayContaining(["rw", "nosuid", "nodev", "noexec"]));
  });

  // The processes of the host are root's; group 0 would see them all, whatever hidepid says.
  const stranger = ["--user", "1000:1000", "--pid", "host"];

  test("without hidepid a user sees that others have processes", () => {
    expect(pidsIn(ground.shell(stranger, list))).toContain(process.pid);
  });

  test("proc-opts hidepid=invisible hides the processes of others", () => {
    const hidden = ["--security-opt", "proc-opts=hidepid=invisible", ...stranger];
    const pids = pidsIn(ground.shell(hidden, list));
    expect(pids).not.toContain(process.pid);
    expect(pids.length).toBeGreaterThan(0);
  });

  test("proc-opts hidepid=noaccess shows that they are there, and nothing of them", () => {
    const flags = [...stranger, "--security-opt", "proc-opts=hidepid=1"];
    const script = `ls -d /proc/${process.pid}; cat /proc/${process.pid}/status 2>&1 || true`;
    const seen = ground.shell(flags, script);
    expect(seen).toContain(`/proc/${process.pid}\n`);
    expect(seen).toContain("Operation not permitted");
  });

  test("proc-opts gid= names a group that sees them all the same", () => {
    const options = "proc-opts=hidepid=invisible,gid=1000";
    expect(pidsIn(ground.shell([...stranger, "--security-opt", options], list))).toContain(
      process.pid,
    );
  });

  test("proc-opts subset=pid leaves only what belongs to processes", () => {
    const flags = ["--security-opt", "proc-opts=subset=pid"];
    expect(ground.shell(flags, "ls /proc")).toBe("1\nself\nthread-self");
  });

  test("proc-opts that are none are refused by name", () => {
    const ran = ground.run(["--security-opt", "proc-opts=show=all", "busybox", "true"]);
    expect(ran.code).toBe(125);
    expect(ran.stderr).toMatch(/^pivot: invalid argument "proc-opts=show=all" for [^\n]+\n$/);
  });

  test("this machine has something to hide and something to protect", () => {
    expect(masked.length).toBeGreaterThan(2);
    expect(readonly.length).toBeGreaterThan(2);
  });

  test("a masked file is the null device and gives nothing", () => {
    const files = masked.filter((path) => !isDirectory(path));
    const { attempts } = ground.probe(
      [],
      files.map((path) => `read:${path}`),
    );
    expect(files.length).toBeGreaterThan(0);
    for (const path of files) {
      expect([path, attempts[`read:${path}`]]).toEqual([
        path,
        expect.objectContaining({ errno: null, type: "character", major: 1, minor: 3, text: "" }),
      ]);
    }
  });

  test("a masked directory is empty and takes nothing", () => {
    const directories = masked.filter(isDirectory);
    const { attempts } = ground.probe(
      ["--cap-add", "ALL"],
      directories.flatMap((path) => [`nfiles:${path}`, `create:${path}/file`, `mkdir:${path}/new`]),
    );
    expect(directories.length).toBeGreaterThan(0);
    for (const path of directories) {
      expect(attempts[`nfiles:${path}`]).toMatchObject({ errno: null, count: 0 });
      expect(attempts[`create:${path}/file`]?.errno).toBe("EROFS");
      expect(attempts[`mkdir:${path}/new`]?.errno).toBe("EROFS");
    }
  });

  test("no masked path can be uncovered by its user", () => {
    const { attempts } = ground.probe(
      [],
      masked.map((path) => `umount:${path}`),
    );
    for (const path of masked) expect(attempts[`umount:${path}`]?.errno).toBe("EPERM");
  });

  const settings = [
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/hostname",
    "/proc/sys/vm/drop_caches",
    "/proc/sysrq-trigger",
    "/proc/irq/default_smp_affinity",
  ].filter((path) => existsSync(path));

  test("a read-only path refuses to be written, even with every capability", () => {
    const { attempts, mountinfo } = ground.probe(
      ["--cap-add", "ALL"],
      settings.map((path) => `write:${path}`),
    );
    expect(settings.length).toBeGreaterThan(2);
    for (const path of settings) expect(attempts[`write:${path}`]?.errno).toBe("EROFS");
    const lines = parseMountinfo(mountinfo);
    for (const path of readonly) expect(lines.find(({ at }) => at === path)?.flags).toContain("ro");
  });

  test("a read-only path can be read", () => {
    const { attempts } = ground.probe([], ["read:/proc/sys/kernel/ostype"]);
    expect(attempts["read:/proc/sys/kernel/ostype"]?.text).toBe("Linux\n");
  });

  test("systempaths=unconfined hides nothing and protects nothing", () => {
    const flags = ["--security-opt", "systempaths=unconfined"];
    const { mountinfo, attempts } = ground.probe(flags, ["write:/proc/sys/kernel/hostname"]);
    const below = parseMountinfo(mountinfo).filter(({ at }) => at.startsWith("/proc/"));
    expect(below).toEqual([]);
    expect(attempts["write:/proc/sys/kernel/hostname"]?.errno).toBeNull();
  });

  test("mask= hides what it names, file and directory, and unmask= shows it again", () => {
    const words = ["read:/etc/passwd", "nfiles:/home", "nfiles:/bin", "read:/proc/timer_list"];
    const flags = [
      "--security-opt",
      "mask=/etc/passwd:/bin",
      "--security-opt",
      "unmask=/proc/timer_*",
    ];
    const { attempts } = ground.probe(flags, words);
    expect(attempts["read:/etc/passwd"]).toMatchObject({ type: "character", text: "" });
    expect(attempts["nfiles:/bin"]?.count).toBe(0);
    expect(attempts["read:/proc/timer_list"]).toMatchObject({ type: "file" });
  });

  test("a container that writes its core pattern changes nothing of the host's", () => {
    const before = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
    const script = "echo '|/bin/sh' >/proc/sys/kernel/core_pattern";
    expect(ground.run(["busybox", "sh", "-c", script]).code).not.toBe(0);
    expect(readFileSync("/proc/sys/kernel/core_pattern", "utf8")).toBe(before);
  });
});
