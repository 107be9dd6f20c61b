// What the program of a container finds, and what it must not find: descriptors, signals, the
// executor's own file, covered paths, the way out by the working directory, users, cgroups.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import type { Op, Place, Step } from "../src/plan/op.ts";
import {
  byInit,
  byParent,
  clone,
  closeFds,
  compile,
  execute,
  executor,
  failureOf,
  freshDirectory,
  freshPath,
  isRoot,
  mountTmpfs,
  native,
  onHost,
  planOf,
  privately,
  run,
  shell,
  start,
  supervise,
  until,
} from "./executor-harness.ts";

const inRoot = (path: string): Place => ({ in: "root", path });
const init: Step = byInit({ op: "init" });

/** A root directory with nothing but busybox in it, and what `fill` adds. */
function makeRoot(fill: (root: string) => void = () => undefined): string {
  const root = freshDirectory("root");
  for (const name of ["bin", "dev", "etc", "proc"]) mkdirSync(`${root}/${name}`);
  copyFileSync("/bin/busybox", `${root}/bin/busybox`);
  fill(root);
  return root;
}

/** The steps that make a directory `root`, with a procfs. */
const enterRoot = (root: string): Step[] => [
  byInit({
    op: "bind",
    from: onHost(root),
    recursive: false,
    attributes: [],
    clear: [],
    deep_attributes: [],
    deep_clear: [],
    propagation: "private",
    deep_propagation: false,
    at: onHost(root),
    create: "existing",
    into: "root",
  }),
  byInit({
    op: "mount",
    type: "proc",
    source: "proc",
    options: [],
    attributes: [],
    at: inRoot("/proc"),
    create: "strict",
    into: "proc",
  }),
];

const pivot: readonly Step[] = [
  byInit({ op: "chdir", at: inRoot("") }),
  byInit({ op: "pivot_root", new_root: ".", put_old: "." }),
  byInit({ op: "umount", target: ".", flags: ["detach"] }),
  byInit({ op: "chdir", at: onHost("/") }),
];

/** A whole container: `inside` before the change of root, `last` after it. */
const container = (
  root: string,
  script: string,
  { inside = [] as readonly Step[], last = [] as readonly Step[] } = {},
): Step[] => [
  clone(),
  privately,
  ...enterRoot(root),
  ...inside,
  ...pivot,
  closeFds,
  ...last,
  execute(["/bin/busybox", "sh", "-c", script], ["PATH=/bin"]),
  supervise(),
];

describe.skipIf(!isRoot)("what the program finds (needs root)", () => {
  test("three descriptors and no signal ignored or blocked, whatever the caller had", async () => {
    const wrapper = [compile("start-badly", [`${native}test/start-badly.c`])];
    const none = "0000000000000000";
    for (const last of [[], [init]]) {
      const status = await run(planOf(["/bin/cat", "/proc/self/status"], { last }), { wrapper });
      expect(status.stdout.match(/^Sig(Pnd|Blk|Ign|Cgt).*/gm)).toEqual(
        ["Pnd", "Blk", "Ign", "Cgt"].map((name) => `Sig${name}:\t${none}`),
      );
      const listing = await run(planOf(shell("ls /proc/1/fd; ls /proc/$$/fd"), { last }), {
        wrapper,
      });
      expect(listing.stdout).toBe("0\n1\n2\n0\n1\n2\n");
    }
  });

  test("closed standard streams are not given away to other files", async () => {
    const status = freshPath("out");
    const wrapper = ["/bin/sh", "-c", '"$@" <&- >&- 2>&-', "sh"];
    const { code } = await run(
      planOf(shell(`readlink /proc/$$/fd/* >${status} & wait; exit 3`), {
        streams: ["pipe", "inherit", "inherit"],
      }),
      { wrapper },
    );
    expect(code).toBe(3);
    expect(readFileSync(status, "utf8")).toMatch(/^pipe:\S+\n\/dev\/null\n\/dev\/null\n$/);
  });

  test("the executor's file cannot be written to, nor can it once it has ended", async () => {
    const before = readFileSync(executor);
    const attack = `for i in 1 2 3; do echo x >/proc/1/exe && echo written; done 2>/dev/null
      ls -l /proc/1/exe; echo ready; read line`;
    const { pid, process, outcome } = start(planOf(shell(attack), { last: [init] }), {
      stdio: ["pipe", "pipe", "pipe"],
    });
    await until(() => readlinkSync(`/proc/${pid}/exe`).includes("memfd"), "the sealed copy");
    const copy = openSync(`/proc/${pid}/exe`, "r");
    process.stdin?.end("\n");
    const { stdout } = await outcome;
    expect(stdout).toMatch(/^[^\n]* -> \/memfd:pivot-executor \(deleted\)\nready\n$/);
    // Nobody runs it now, so it could be opened for writing: but it is sealed.
    const again = openSync(`/proc/self/fd/${copy}`, "r+");
    expect(() => writeSync(again, "x")).toThrow("EPERM");
    closeSync(again);
    closeSync(copy);
    expect(readFileSync(executor).equals(before)).toBe(true);
  });

  test("a program that is a script of /proc/self/exe (CVE-2019-5736) gets at no file", async () => {
    const before = readFileSync(executor);
    const root = makeRoot((path) => {
      writeFileSync(`${path}/attack`, "#!/proc/self/exe\n", { mode: 0o755 });
      // A second process of the container waits for the runtime's file to show up.
      const script = `#!/bin/busybox sh
        while :; do for exe in /proc/[0-9]*/exe; do
          case $(busybox readlink $exe) in /bin/*) ;; *) echo x >$exe && echo written;; esac
        done; done 2>/dev/null &
        for i in 1 2 3 4 5 6 7 8 9 10; do /attack; done 2>/dev/null
        /bin/busybox kill $!`;
      writeFileSync(`${path}/victim`, script, { mode: 0o755 });
    });
    const outcome = await run(container(root, "/victim; /attack; echo $?"));
    expect(outcome.stdout).not.toContain("written");
    expect(readFileSync(executor).equals(before)).toBe(true);
  });

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
        ...{ op: "mknod", at: onHost(`${root}/dev/${name}`), type, major: 1, minor },
        ...{ mode: 0o666, uid: 1, gid: 1, accept: true },
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
    const open = (at: Place, flags: ("path" | "read" | "directory")[], into: string): Step =>
      byParent({ op: "open", at, flags, into });
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
        ...{ op: "stdio", stdin: "null", stdout: "inherit", stderr: "inherit" },
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

describe.skipIf(!isRoot)("ways out (needs root)", () => {
  test("the working directory cannot be a descriptor of the host (CVE-2024-21626)", async () => {
    const root = makeRoot();
    const own = readdirSync(root).join(" ");
    const host: Step = byParent({
      ...{ op: "open", at: onHost("/"), flags: ["read", "directory"], into: "host" },
    });
    let outside = 0;
    for (let fd = 3; fd < 24; fd++) {
      const chdir = byInit({ op: "chdir", at: onHost(`/proc/self/fd/${fd}`) });
      const plan = container(root, "cd ../../../..; echo *", { last: [chdir] });
      const outcome = await run([host, ...plan]);
      const failure = failureOf(outcome);
      if (failure?.kind !== "failed") {
        // One of those that lead to the container's own directories.
        expect(outcome.stdout.trim().split(" ")).toEqual(own.split(" ").sort());
      } else if (failure.errno === constants.errno.EXDEV) {
        expect(failure.text).toBe("the directory lies outside the root");
        outside++;
      }
    }
    expect(outside).toBeGreaterThanOrEqual(1);
  });

  test("who is root of a user namespace cannot look into the process that joins it", async () => {
    const sleeper = Bun.spawn(["unshare", "--user", "--map-root-user", "sleep", "100"]);
    const path = `/proc/${sleeper.pid}/ns/user`;
    await until(() => readlinkSync(path) !== readlinkSync("/proc/self/ns/user"), "unshare");
    const pid = freshPath("pid");
    const { process, events, outcome } = start([
      byParent({ op: "open", at: onHost(path), flags: ["read"], into: "user" }),
      byParent({
        ...{ op: "clone", namespaces: ["mount"] },
        cgroup: null,
        user: "user",
        proc: null,
      }),
      byParent({ op: "write_pid", at: onHost(pid), mode: 0o600 }),
      byParent({ op: "pause" }),
      execute(shell("readlink /proc/self/ns/user")),
      supervise(),
    ]);
    await until(() => events().some(({ kind }) => kind === "paused"), "pause");
    const look = spawnSync(
      "nsenter",
      ["-t", `${sleeper.pid}`, "-U", "readlink", `/proc/${readFileSync(pid, "utf8")}/root`],
      { encoding: "utf8" },
    );
    expect({ status: look.status, stdout: look.stdout }).toEqual({ status: 1, stdout: "" });
    process.kill("SIGCONT");
    expect((await outcome).stdout).toBe(`${readlinkSync(path)}\n`);
    sleeper.kill();
    await sleeper.exited;
  });
});

describe.skipIf(!isRoot)("users (needs root)", () => {
  const passwd =
    "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/evil:\nbin:x:2:3::/bins:\nnobody:x:65534:65534:::";
  const group = "root:x:0:\nbin:x:3:\nstaff:x:50:other,bin\n7:x:0:\naudio:x:29:bin";
  const become = (user: string, more: Partial<Extract<Op, { op: "set_user" }>> = {}): Step =>
    byInit({ op: "set_user", user, group: "", groups: [], lookup: true, ...more });
  const root = (files: (etc: string) => void = () => undefined): string =>
    makeRoot((path) => {
      writeFileSync(`${path}/etc/passwd`, passwd);
      writeFileSync(`${path}/etc/group`, group);
      files(`${path}/etc`);
    });
  // Not by `id`, which would read the files that are on trial.
  const script = `while read name a b c d; do case $name in
      Uid:) uid=$a:$b:$c:$d;; Gid:) gid=$a:$b:$c:$d;; Groups:) groups=$(echo $a $b $c $d);;
    esac; done </proc/self/status; echo $uid $gid "($groups)" $HOME`;
  const idOf = async (path: string, step: Step): Promise<string> => {
    const outcome = await run(container(path, script, { last: [step] }));
    const failure = failureOf(outcome);
    if (failure?.kind === "failed") return `${failure.errno} ${failure.text}`;
    // Real, effective, saved and file system id are one and the same.
    return outcome.stdout.trim().replace(/\b(\d+):\1:\1:\1\b/g, "$1");
  };

  test("names and numbers, with the container's own files", async () => {
    const path = root();
    const cases: readonly (readonly [Step, string])[] = [
      [become("root"), "0 0 (0) /root"],
      [become("bin"), "2 3 (3 29 50) /bins"],
      [become("2"), "2 3 (3 29 50) /bins"],
      [become("1000"), "1000 0 (0) /"], // a user who is *called* 1000 (CVE-2016-3697)
      [become("bin", { group: "staff" }), "2 50 (50) /bins"],
      [become("bin", { group: "7", groups: ["audio", "8"] }), "2 7 (7 8 29) /bins"],
      [become("nobody"), "65534 65534 (65534) /"],
      [become("4294967294", { lookup: false }), "4294967294 0 (0)"],
    ];
    for (const [step, expected] of cases) expect(await idOf(path, step)).toBe(expected);
  });

  test("what is nobody's name or no number is refused", async () => {
    const path = root();
    for (const user of ["4294967295", "4294967296", "99999999999", "00000000001"]) {
      expect(await idOf(path, become(user))).toStartWith("22 the user ");
    }
    for (const user of ["-1", "+1", " 1", "1 ", "0x10", "1e3", "", "ROOT", "root:x", "#"]) {
      expect(await idOf(path, become(user))).toStartWith("2 no user ");
    }
    expect(await idOf(path, become("0", { group: "4294967295" }))).toStartWith("22 the group ");
    expect(await idOf(path, become("0", { groups: ["none"] }))).toStartWith("2 no group ");
  });

  test("a passwd file that is no file is as good as none", async () => {
    const kinds: readonly ((file: string) => void)[] = [
      () => undefined,
      (file) => mkdirSync(file),
      (file) => void spawnSync("mkfifo", [file]),
      (file) => void spawnSync("mknod", [file, "c", "5", "0"]),
      (file) => symlinkSync("passwd", file),
      (file) => symlinkSync("/proc/self/fd/3", file),
      (file) => writeFileSync(file, Buffer.alloc(3 << 20)),
    ];
    for (const make of kinds) {
      const path = makeRoot((dir) => {
        make(`${dir}/etc/passwd`);
        writeFileSync(`${dir}/etc/group`, group);
      });
      expect(await idOf(path, become("5"))).toBe("5 0 (0) /");
      expect(await idOf(path, become("root"))).toStartWith("2 no user root");
    }
  });

  test("the file is found from the root, wherever the working directory is", async () => {
    const path = root((etc) => mkdirSync(`${etc}/etc`));
    writeFileSync(`${path}/etc/etc/passwd`, "bin:x:77:77:::\n");
    const chdir = byInit({ op: "chdir", at: onHost("/etc") });
    const outcome = await run(container(path, script, { last: [chdir, become("bin")] }));
    expect(outcome.stdout).toContain("2:2:2:2");
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
