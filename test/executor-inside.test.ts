// What the program of a container finds, and what it must not find: descriptors, signals, the
// executor's own file, a way out by the working directory, and who it is itself.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { constants } from "node:os";
import type { Op, Step } from "../src/plan/op.ts";
import {
  byInit,
  byParent,
  compile,
  execute,
  executor,
  failureOf,
  freshPath,
  isRoot,
  native,
  onHost,
  planOf,
  run,
  shell,
  start,
  supervise,
  until,
} from "./executor-harness.ts";
import { container, makeRoot } from "./executor-root.ts";

const init: Step = byInit({ op: "init" });

describe.skipIf(!isRoot)("what the program finds (needs root)", () => {
  test("three descriptors and no signal ignored or blocked, whatever the caller had", async () => {
    const wrapper = [compile("start-badly", [`${native}test/start-badly.c`])];
    const none = "0000000000000000";
    for (const last of [[], [init]]) {
      const status = await run(planOf(["/bin/cat", "/proc/self/status"], { last }), { wrapper });
      expect([...(status.stdout.match(/^Sig(Pnd|Blk|Ign|Cgt).*/gm) ?? [])]).toEqual(
        ["Pnd", "Blk", "Ign", "Cgt"].map((name) => `Sig${name}:\t${none}`),
      );
      const listing = await run(planOf(shell("ls /proc/1/fd; ls /proc/$$/fd"), { last }), {
        wrapper,
      });
      expect(listing.stdout).toBe("0\n1\n2\n0\n1\n2\n");
    }
  });

  test("what it writes of itself to a procfs that is attached nowhere", async () => {
    const last: Step[] = [
      byInit({
        op: "mount",
        type: "proc",
        source: "proc",
        options: ["subset=pid"],
        attributes: [],
        at: null,
        create: "existing",
        into: "labels",
      }),
      byInit({
        op: "write",
        at: { in: "labels", path: "thread-self/oom_score_adj" },
        text: "77",
        how: "existing",
        mode: 0,
      }),
    ];
    const seen = await run(planOf(["/bin/cat", "/proc/self/oom_score_adj"], { last }));
    expect(seen.stdout).toBe("77\n");
  });

  test("the processors that it may run on, by init and by the parent", async () => {
    const affinity = (cpus: number[]): Op => ({
      op: "sched_affinity",
      cpus: Uint8Array.of(...cpus),
    });
    const argv = ["/bin/grep", "Cpus_allowed_list", "/proc/self/status"];
    const own = await run(planOf(argv, { last: [byInit(affinity([2, 0]))] }));
    expect(own.stdout).toBe("Cpus_allowed_list:\t1\n");
    const given = await run(planOf(argv, { inside: [byParent(affinity([1]))] }));
    expect(given.stdout).toBe("Cpus_allowed_list:\t0\n");
    const none = await run(planOf(argv, { last: [byInit(affinity([0, 0, 0, 0, 0, 0, 0, 0, 1]))] }));
    expect(failureOf(none)).toMatchObject({ errno: 22 });
    const early = await run(planOf(argv, { before: [byParent(affinity([1]))] }));
    expect(failureOf(early)).toMatchObject({ errno: constants.errno.ECHILD });
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
});

describe.skipIf(!isRoot)("ways out (needs root)", () => {
  test("the working directory cannot be a descriptor of the host (CVE-2024-21626)", async () => {
    const root = makeRoot();
    const own = readdirSync(root).join(" ");
    const host: Step = byParent({
      op: "open",
      at: onHost("/"),
      flags: ["read", "directory"],
      into: "host",
    });
    let outside = 0;
    for (let fd = 3; fd < 24; fd++) {
      const chdir = byInit({ op: "chdir", at: onHost(`/proc/self/fd/${fd}`), again: false });
      const plan = container(root, "cd ../../../..; echo *", { early: [chdir] });
      const outcome = await run([host, ...plan]);
      const failure = failureOf(outcome);
      if (failure?.kind !== "failed") {
        // One of those that lead to the container's own directories.
        expect(outcome.stdout.trim().split(" ")).toEqual(own.split(" ").sort());
      } else if (failure.errno === constants.errno.ELOOP) {
        outside++; // a magic link: no path of a working directory follows one
      } else expect(failure.errno).toBe(constants.errno.ENOENT);
    }
    expect(outside).toBeGreaterThanOrEqual(1);
  });

  test("of two steps for one working directory the first that may go there does", async () => {
    const root = makeRoot((path) => mkdirSync(`${path}/shut`, { mode: 0o700 }));
    const go = (path: string, again: boolean): Step =>
      byInit({ op: "chdir", at: onHost(path), again });
    const nobody: readonly Step[] = [
      byInit({ op: "set_user", user: "5", group: "5", groups: [], primary: true, lookup: false }),
      byInit({ op: "capset", effective: [], permitted: [], inheritable: [], ambient: [] }),
    ];
    const { EACCES, ENOENT } = constants.errno;
    const cases: readonly (readonly [steps: readonly Step[], found: string | number])[] = [
      [[go("/shut", true), ...nobody, go("/bin", false)], "/shut"],
      [[...nobody, go("/shut", true), go("/bin", false)], "/bin"],
      [[...nobody, go("/shut", true), go("/shut", false)], EACCES],
      [[go("/shut", true), go("/bin", false), go("/bin", false)], "/bin"],
      [[go("/missing", true), go("/bin", false)], ENOENT],
    ];
    for (const [last, found] of cases) {
      const outcome = await run(container(root, "echo $PWD", { last }));
      const failure = failureOf(outcome);
      expect(failure?.kind === "failed" ? failure.errno : outcome.stdout.trim()).toBe(found);
    }
  });

  test("nor is one open any more by which a program could be found", async () => {
    const root = makeRoot();
    const flags = ["path", "directory"] as const;
    const host: Step = byParent({ op: "open", at: onHost("/"), flags, into: "host" });
    for (let fd = 3; fd < 24; fd++) {
      // As a program would be found: through magic links too.
      const at = onHost(`/proc/self/fd/${fd}`);
      const open = byInit({ op: "open", at, flags, into: "found" });
      const moved = failureOf(await run([host, ...container(root, "true", { last: [open] })]));
      if (moved?.kind !== "failed") throw new Error(`descriptor ${fd} is open`);
      expect([constants.errno.ENOENT, constants.errno.ENOTDIR]).toContain(moved.errno);
    }
  });

  test("who is root of a user namespace cannot look into the process that joins it", async () => {
    const sleeper = Bun.spawn(["unshare", "--user", "--map-root-user", "sleep", "100"]);
    const path = `/proc/${sleeper.pid}/ns/user`;
    await until(() => readlinkSync(path) !== readlinkSync("/proc/self/ns/user"), "unshare");
    const pid = freshPath("pid");
    const { process, events, outcome } = start([
      byParent({ op: "open", at: onHost(path), flags: ["read"], into: "user" }),
      byParent({
        op: "clone",
        namespaces: ["mount"],
        cgroup: null,
        user: "user",
        process: null,
        join: [],
        proc: null,
      }),
      byParent({
        op: "write_pid",
        at: onHost(pid),
        how: "exclusive",
        mode: 0o600,
        started: false,
        own: false,
      }),
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

const become = (user: string, more: Partial<Extract<Op, { op: "set_user" }>> = {}): Step =>
  byInit({ op: "set_user", user, group: "", groups: [], primary: true, lookup: true, ...more });

describe.skipIf(!isRoot)("users (needs root)", () => {
  const passwd =
    "root:x:0:0:root:/root:/bin/sh\n1000:x:0:0::/evil:\nbin:x:2:3::/bins:\nnobody:x:65534:65534:::";
  const group = "root:x:0:\nbin:x:3:\nstaff:x:50:other,bin\n7:x:0:\naudio:x:29:bin";
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
    const chdir = byInit({ op: "chdir", at: onHost("/etc"), again: false });
    const outcome = await run(container(path, script, { last: [chdir, become("bin")] }));
    expect(outcome.stdout).toContain("2:2:2:2");
  });
});
