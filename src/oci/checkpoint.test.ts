// Arguments for CRIU: what they are, and that CRIU knows each of them.

import { afterAll, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import {
  type CriuOptions,
  type DumpTarget,
  dumpArguments,
  externalMounts,
  findCriuError,
  isCgroupMode,
  type RestoreTarget,
  restoreArguments,
} from "./checkpoint.ts";
import { whyNoCheckpoint } from "./criu.ts";

const scratch = mkdtempSync(`${tmpdir()}/pivot-checkpoint-`);
afterAll(() => rmSync(scratch, { recursive: true }));

const least: CriuOptions = {
  images: "/images",
  work: null,
  manageCgroups: "soft",
  tcpEstablished: false,
  externalUnixSockets: false,
  shellJob: false,
  fileLocks: false,
  emptyNetwork: false,
  lazyPages: false,
  autoDedup: false,
};

const all: CriuOptions = {
  ...least,
  work: "/work",
  manageCgroups: "full",
  tcpEstablished: true,
  externalUnixSockets: true,
  shellJob: true,
  fileLocks: true,
  emptyNetwork: true,
  lazyPages: true,
  autoDedup: true,
};

const leastDump = {
  preDump: false,
  parent: null,
  leaveRunning: false,
  pageServer: null,
  statusFd: null,
};

const container = { root: "/run/root", mounts: [], masked: [], namespaces: [] };

const outside: DumpTarget = {
  pid: 4711,
  root: "/run/root",
  freezer: "/sys/fs/cgroup/freezer/a",
  mounts: [{ destination: "/data", source: "/srv/data" }],
  masked: ["/proc/kcore"],
  namespaces: [{ type: "net", inode: 4026531992n, fd: 5 }],
};

test("a dump of a container that has nothing of outside", () => {
  const target = { ...container, pid: 42, freezer: null };
  expect(dumpArguments({ ...least, ...leastDump }, target).join(" ")).toBe(
    "dump --tree 42 --images-dir /images --log-file dump.log -v4 --manage-cgroups=soft --root /run/root",
  );
});

test("a dump with everything", () => {
  const pageServer = { address: "127.0.0.1", port: 7000 };
  const options = {
    preDump: false,
    parent: "../before",
    leaveRunning: true,
    pageServer,
    statusFd: 9,
  };
  expect(dumpArguments({ ...all, ...options }, outside)).toEqual([
    "dump",
    "--tree",
    "4711",
    "--images-dir",
    "/images",
    "--work-dir",
    "/work",
    "--log-file",
    "dump.log",
    "-v4",
    "--manage-cgroups=full",
    "--tcp-established",
    "--ext-unix-sk",
    "--shell-job",
    "--file-locks",
    "--empty-ns",
    "net",
    "--lazy-pages",
    "--auto-dedup",
    "--root",
    "/run/root",
    "--freeze-cgroup",
    "/sys/fs/cgroup/freezer/a",
    "--leave-running",
    "--track-mem",
    "--prev-images-dir",
    "../before",
    "--page-server",
    "--address",
    "127.0.0.1",
    "--port",
    "7000",
    "--status-fd",
    "9",
    "--external",
    "net[4026531992]:extRootNetNS",
    "--external",
    "mnt[/data]:/data",
    "--external",
    "mnt[/proc/kcore]:/dev/null",
  ]);
});

test("memory alone is dumped without mounts, and the container runs on by itself", () => {
  const args = dumpArguments(
    { ...least, ...leastDump, preDump: true, leaveRunning: true },
    outside,
  );
  expect(args[0]).toBe("pre-dump");
  expect(args).toContain("--track-mem");
  expect(args).not.toContain("--leave-running");
  expect(args.filter((word) => word.startsWith("mnt["))).toEqual([]);
});

const restoreTarget: RestoreTarget = {
  ...outside,
  pidFile: "/run/pid",
  cgroups: [
    { controllers: "cpu,cpuacct", path: "/a" },
    { controllers: "", path: "/b" },
  ],
  pipes: [{ name: "pipe:[123]", fd: 1 }],
};

test("a restore finds outside what the dump left there", () => {
  const options = { lsmProfile: "apparmor:web", lsmMountContext: null };
  expect(restoreArguments({ ...least, ...options }, restoreTarget)).toEqual([
    "restore",
    "--restore-detached",
    "--restore-sibling",
    "--pidfile",
    "/run/pid",
    "--images-dir",
    "/images",
    "--log-file",
    "restore.log",
    "-v4",
    "--manage-cgroups=soft",
    "--root",
    "/run/root",
    "--evasive-devices",
    "--lsm-profile",
    "apparmor:web",
    "--cgroup-root",
    "cpu,cpuacct:/a",
    "--cgroup-root",
    "/b",
    "--inherit-fd",
    "fd[5]:extRootNetNS",
    "--inherit-fd",
    "fd[1]:pipe:[123]",
    "--external",
    "mnt[/data]:/srv/data",
    "--external",
    "mnt[/dev/null]:/dev/null",
  ]);
});

test("the binds of a configuration are outside", () => {
  const mounts = [
    { destination: "/proc", type: "proc", source: "proc" },
    { destination: "/a", type: "bind", source: "files/a" },
    { destination: "b", source: "/srv/b", options: ["rbind", "ro"] },
    { destination: "/c", type: "bind" },
  ];
  expect(externalMounts(mounts, "/bundle")).toEqual([
    { destination: "/a", source: "/bundle/files/a" },
    { destination: "/b", source: "/srv/b" },
  ]);
});

test("modes of cgroups are CRIU's", () => {
  expect(["soft", "full", "strict", "ignore"].every(isCgroupMode)).toBeTrue();
  expect(isCgroupMode("hard")).toBeFalse();
});

test("the first error of a log is what it is about", () => {
  const log =
    "(00.046760) vdso: Parsing\n(00.046764) Error (criu/vdso.c:381): vdso: Unexpected rt vDSO area bounds\n(00.046767) Error (criu/vdso.c:613): vdso: Failed to fill\n";
  expect(findCriuError(log)).toBe("vdso: Unexpected rt vDSO area bounds");
  expect(findCriuError("(00.1) Dumping finished successfully\n")).toBeNull();
});

/** A program in the place of CRIU. */
function makeProgram(name: string, script: string): string {
  const path = `${scratch}/${name}`;
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

test("why a machine cannot is one line", () => {
  const broken = makeProgram("broken", "echo 'Error (criu/x.c:1): no feature' >&2; exit 1");
  expect(whyNoCheckpoint(broken)).toBe(
    'CRIU cannot checkpoint on this machine: criu check says "no feature": a release of CRIU that knows this kernel is needed',
  );
  expect(whyNoCheckpoint(makeProgram("mute", "exit 3"))).toContain('"exit code 3"');
  expect(whyNoCheckpoint(makeProgram("fine", "echo Looks good."))).toBeNull();
  expect(whyNoCheckpoint(`${scratch}/none`)).toBe(
    `checkpoint and restore need CRIU: cannot run ${scratch}/none (ENOENT): install it`,
  );
});

const check = spawnSync("criu", ["check"]);
const skipped =
  check.error !== undefined
    ? "CRIU is not installed"
    : process.getuid?.() !== 0
      ? "only root may"
      : undefined;

test.skipIf(skipped !== undefined)(`the CRIU that is here is asked (${skipped ?? "it is"})`, () => {
  expect(whyNoCheckpoint() === null).toBe(check.status === 0);
});

test.skipIf(skipped !== undefined)(`CRIU knows each argument (${skipped ?? "it is"})`, () => {
  const images = `${scratch}/images`;
  mkdirSync(images);
  const sleeper = spawn("sleep", ["60"], { stdio: "ignore", detached: true });
  try {
    const options = { ...all, images, work: images, lazyPages: false };
    const target = { ...outside, pid: sleeper.pid ?? 0 };
    const dump = { ...leastDump, parent: ".", leaveRunning: true };
    const calls = [
      dumpArguments({ ...options, ...dump }, target),
      dumpArguments({ ...options, ...dump, preDump: true }, target),
      restoreArguments({ ...options, lsmProfile: null, lsmMountContext: null }, restoreTarget),
    ];
    for (const args of calls) {
      const { stdout, stderr, status } = spawnSync("criu", args, { encoding: "utf8" });
      expect(`${stdout}${stderr}`).not.toMatch(/unrecognized|[Ii]nvalid|[Uu]nknown|usage/i);
      // Nothing of that namespace and those mounts is here, so that none can succeed.
      expect(status).not.toBe(0);
    }
    const wrong = spawnSync("criu", ["dump", "--no-such-flag"], { encoding: "utf8" });
    expect(`${wrong.stdout}${wrong.stderr}`).toMatch(/unrecognized/);
  } finally {
    sleeper.kill("SIGKILL");
  }
});
