// Files, devices, covered paths and cgroups: what the executor makes and takes away.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { constants } from "node:os";
import type { Op, Place, Step } from "../src/plan/op.ts";
import {
  byInit,
  byParent,
  failureOf,
  freshDirectory,
  isRoot,
  mountTmpfs,
  onHost,
  run,
} from "./executor-harness.ts";
import { container, inRoot, makeRoot } from "./executor-root.ts";

const open = (at: Place, flags: ("path" | "read" | "directory")[], into: string): Step =>
  byParent({ op: "open", at, flags, into });

const nullIn = (root: string): void => {
  spawnSync("mknod", ["-m", "666", `${root}/dev/null`, "c", "1", "3"]);
};
const cover = (path: string, nullAt = inRoot("/dev/null")): Step =>
  byInit({
    op: "mask",
    at: inRoot(path),
    null: nullAt,
    empty: { in: "empty", path: "" },
  });
const empty = (root: string): Step[] => {
  mkdirSync(`${root}/empty`);
  return [mountTmpfs(inRoot("/empty"), "empty")];
};

describe.skipIf(!isRoot)("files and devices (needs root)", () => {
  test("files and directories have the plan's modes, whatever the caller's umask", async () => {
    const root = freshDirectory();
    const steps: Step[] = [
      byParent({ op: "mkdir", at: onHost(`${root}/a/b/c`), mode: 0o751, parents: true }),
      byParent({ op: "mkdir", at: onHost(`${root}/sticky/`), mode: 0o1777, parents: false }),
      byParent({
        op: "write",
        at: onHost(`${root}/file`),
        text: "x",
        how: "exclusive",
        mode: 0o664,
      }),
      byParent({
        op: "mknod",
        at: onHost(`${root}/node`),
        type: "character",
        major: 1,
        minor: 3,
        mode: 0o622,
        uid: 12,
        gid: 34,
        accept: false,
      }),
      // Relative to the executor's working directory, as the host does.
      byParent({ op: "mkdir", at: onHost("relative"), mode: 0o700, parents: false }),
    ];
    const wrapper = ["/bin/sh", "-c", 'umask 077; exec "$@"', "sh"];
    await run(steps, { wrapper, options: { cwd: root } });
    const modes = ["a", "a/b", "a/b/c", "sticky", "file", "node", "relative"].map(
      (name) => `${name} ${(statSync(`${root}/${name}`).mode & 0o7777).toString(8)}`,
    );
    expect(modes).toEqual([
      "a 755",
      "a/b 755",
      "a/b/c 751",
      "sticky 1777",
      "file 664",
      "node 622",
      "relative 700",
    ]);
    expect(lstatSync(`${root}/node`)).toMatchObject({ uid: 12, gid: 34, rdev: 0x103 });
  });

  test("a device that is there already will do, another one will not", async () => {
    const root = makeRoot();
    spawnSync("mknod", [`${root}/dev/null`, "c", "1", "3"]);
    spawnSync("mkfifo", [`${root}/dev/pipe`]);
    symlinkSync("null", `${root}/dev/link`);
    const mknod = (name: string, type: "character" | "fifo", minor: number): Step =>
      byParent({
        op: "mknod",
        at: onHost(`${root}/dev/${name}`),
        type,
        major: 1,
        minor,
        mode: 0o666,
        uid: 1,
        gid: 1,
        accept: true,
      });
    expect((await run([mknod("null", "character", 3)])).events).toEqual([]);
    expect((await run([mknod("pipe", "fifo", 3)])).events).toEqual([]);
    for (const other of [
      mknod("null", "character", 5),
      mknod("link", "character", 3),
      mknod("pipe", "character", 3),
    ]) {
      expect(failureOf(await run([other]))).toMatchObject({ errno: constants.errno.EEXIST });
    }
    expect(statSync(`${root}/dev/null`).uid).toBe(0);
  });

  test("`open` takes O_PATH below a slot, and does not wait for a FIFO", async () => {
    const root = freshDirectory();
    spawnSync("mkfifo", [`${root}/fifo`]);
    const { events } = await run([
      open(onHost(root), ["path", "directory"], "directory"),
      open({ in: "directory", path: "fifo" }, ["path"], "a"),
      open({ in: "directory", path: "fifo" }, ["read"], "b"),
      open(onHost(`${root}/fifo`), ["read"], "c"),
    ]);
    expect(events).toEqual([]);
  });
});

describe.skipIf(!isRoot)("covers (needs root)", () => {
  test("a masked file is /dev/null, a masked directory is empty, a missing one is none", async () => {
    const root = makeRoot((path) => {
      nullIn(path);
      mkdirSync(`${path}/secrets/below`, { recursive: true });
      writeFileSync(`${path}/secret`, "secret");
      symlinkSync("/secret", `${path}/link`);
    });
    const script = "cat /secret /link; ls -R /secrets; stat -c %t:%T /secret; echo done";
    const { stdout } = await run(
      container(root, script, {
        inside: [
          ...empty(root),
          ...["/link", "/secrets", "/none", "/secret/none", "/none/none"].map((path) =>
            cover(path),
          ),
        ],
      }),
    );
    expect(stdout).toBe("/secrets:\n1:3\ndone\n");
  });

  test("what is called /dev/null and is something else covers nothing (CVE-2025-31133)", async () => {
    const impostors: Readonly<Record<string, (path: string) => void>> = {
      "a file": (path) => writeFileSync(path, "x"),
      "a link to a device": (path) => symlinkSync("../zero", path),
      "another device": (path) => void spawnSync("mknod", [path, "c", "1", "5"]),
      "a FIFO": (path) => void spawnSync("mkfifo", [path]),
      "a directory": (path) => mkdirSync(path),
    };
    for (const [kind, make] of Object.entries(impostors)) {
      const root = makeRoot((path) => {
        make(`${path}/dev/null`);
        writeFileSync(`${path}/secret`, "secret");
      });
      const masked = await run(container(root, "true", { inside: [cover("/secret")] }));
      const text = "/dev/null of the container is not the device 1:3";
      expect({ kind, failure: failureOf(masked) }).toMatchObject({
        kind,
        failure: { errno: constants.errno.EPERM, text },
      });
      const stdio = byInit({
        op: "stdio",
        stdin: "null",
        stdout: "inherit",
        stderr: "inherit",
        null: inRoot("/dev/null"),
      });
      const streams = await run(container(root, "true", { inside: [stdio] }));
      expect({ kind, failure: failureOf(streams) }).toMatchObject({
        kind,
        failure: { errno: constants.errno.EPERM, text },
      });
    }
  });

  test("a read-only path is read-only with the mounts below it", async () => {
    const root = makeRoot((path) => mkdirSync(`${path}/data/mount`, { recursive: true }));
    const script = `for d in /data /data/mount; do echo x >$d/file && echo $d; done 2>/dev/null
      echo x >/other && echo other`;
    const { stdout } = await run(
      container(root, script, {
        inside: [
          mountTmpfs(inRoot("/data/mount"), null),
          byInit({ op: "readonly", at: inRoot("/data") }),
          byInit({ op: "readonly", at: inRoot("/none") }),
        ],
      }),
    );
    expect(stdout).toBe("other\n");
  });

  test("/proc that is a link in the image is refused (CVE-2019-19921)", async () => {
    const root = makeRoot((path) => {
      rmdirSync(`${path}/proc`);
      mkdirSync(`${path}/elsewhere`);
      symlinkSync("/elsewhere", `${path}/proc`);
    });
    expect(failureOf(await run(container(root, "true")))).toMatchObject({
      errno: constants.errno.ELOOP,
      text: "a symbolic link stands in the way",
    });
  });
});

const unified = readFileSync("/proc/mounts", "utf8").match(/^\S+ (\S+) cgroup2 rw/m)?.[1];
const noCgroups = !isRoot || unified === undefined;

describe.skipIf(noCgroups)("removing a cgroup (needs root and cgroups version 2)", () => {
  test("with children that are threaded, or whose names begin with a dot", async () => {
    const cgroup = `${unified}/pivot-test-${process.pid}`;
    const remove: Op = { op: "remove_cgroup", at: onHost(cgroup) };
    mkdirSync(cgroup);
    mkdirSync(`${cgroup}/.hidden`);
    mkdirSync(`${cgroup}/threaded`);
    writeFileSync(`${cgroup}/threaded/cgroup.type`, "threaded");
    const sleeper = Bun.spawn(["sleep", "100"]);
    try {
      writeFileSync(`${cgroup}/cgroup.procs`, String(sleeper.pid));
      writeFileSync(`${cgroup}/threaded/cgroup.threads`, String(sleeper.pid));
      const { events } = await run([byParent(remove)]);
      expect(events).toEqual([]);
      expect(existsSync(cgroup)).toBe(false);
      expect(await sleeper.exited).toBe(137);
    } finally {
      sleeper.kill();
      await sleeper.exited;
      spawnSync("find", [cgroup, "-depth", "-type", "d", "-exec", "rmdir", "{}", ";"]);
    }
  });
});
