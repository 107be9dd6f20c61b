// The executor with plans written by hand: failures and undos, signals, life and death.

import { describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Op, Step } from "../src/plan/op.ts";
import {
  byInit,
  byParent,
  clone,
  execute,
  failureOf,
  freshPath,
  isRoot,
  isRunning,
  leaveNothing,
  onHost,
  planOf,
  privately,
  run,
  shell,
  start,
  supervise,
  until,
} from "./executor-harness.ts";

leaveNothing();

const mkdir = (path: string, keep?: boolean): Step =>
  byParent(
    { op: "mkdir", at: onHost(path), mode: 0o700, parents: false },
    { op: "remove", at: onHost(path) },
    keep,
  );
const pause: Step = byParent({ op: "pause" });

const pidFile = () => freshPath("pid");
const writePid = (path: string): Step =>
  byParent({
    op: "write_pid",
    at: onHost(path),
    how: "exclusive",
    mode: 0o600,
    started: false,
    own: false,
  });
const pidIn = (path: string): number => Number(readFileSync(path, "utf8"));

const initWithUndo = (path: string, op: Op): Step => ({
  ...byInit(op),
  undo: { op: "mkdir", at: onHost(path), mode: 0o755, parents: false },
});

const trapScript = (number: number) =>
  `trap 'echo ${number}; exit 5' ${number}; echo ready; while :; do sleep 0.01; done`;

describe.skipIf(!isRoot)("failures (needs root)", () => {
  test("a step of the parent: which, errno, and no word where errno says it all", async () => {
    const path = freshPath();
    const steps = [mkdir(path), mkdir(`${freshPath()}/below`)];
    const outcome = await run(steps);
    expect(outcome.code).toBe(125);
    expect(outcome.events).toEqual([{ kind: "failed", record: 2, errno: 2, text: "" }]);
    expect(existsSync(path)).toBe(false);
  });

  test("a step of init: with the words of the executor or of the kernel", async () => {
    const bad = byInit({
      op: "mount",
      type: "tmpfs",
      source: "tmpfs",
      options: ["size=none"],
      attributes: [],
      at: null,
      create: "existing",
      into: null,
    });
    const { code, events } = await run(planOf(shell("true"), { inside: [bad] }));
    expect(code).toBe(125);
    expect(events).toEqual([
      {
        kind: "failed",
        record: 4,
        errno: 22,
        text: "size=none: the kernel says: tmpfs: Bad value for 'size'",
      },
    ]);
  });

  test("the program is not there, or cannot be executed", async () => {
    for (const [path, errno] of [
      ["/no/such/program", constants.errno.ENOENT],
      ["/etc/passwd", constants.errno.EACCES],
      ["/etc", constants.errno.EACCES],
    ] as const) {
      const outcome = await run(planOf([path]));
      expect(failureOf(outcome)).toMatchObject({ kind: "failed", errno });
      expect(outcome.events.length).toBe(1);
    }
  });

  test("undos: the last first, only of what was done, and those that fail are told", async () => {
    const [outer, blocked] = [freshPath(), freshPath()];
    const steps = [
      mkdir(outer),
      byParent(
        { op: "symlink", at: onHost(`${outer}/link`), to: "x" },
        {
          op: "umount",
          target: outer,
          flags: [],
        },
      ),
      // Would fail, were it undone after its directory.
      byParent(
        { op: "mkdir", at: onHost(`${outer}/inner`), mode: 0o755, parents: false },
        {
          op: "symlink",
          at: onHost(`${outer}/undone`),
          to: "x",
        },
      ),
      byParent(
        { op: "mkdir", at: onHost(`${blocked}/x/y`), mode: 0o755, parents: false },
        {
          op: "mkdir",
          at: onHost(blocked),
          mode: 0o755,
          parents: false,
        },
      ),
    ];
    const { events } = await run(steps);
    expect(events).toEqual([
      { kind: "failed", record: 6, errno: 2, text: "" },
      { kind: "left", record: 3, errno: 22, text: "" },
    ]);
    expect([existsSync(outer), existsSync(blocked)]).toEqual([false, false]);
  });

  test("an undo of a step of init is carried out too, once it was done", async () => {
    for (const works of [true, false]) {
      const [done, not] = [freshPath("done"), freshPath("not")];
      const hostname: Op = { op: "umask", mask: 0o22 };
      const failing: Op = { op: "chroot", path: "/no/such" };
      await run(
        planOf(shell("true"), {
          inside: [initWithUndo(done, hostname), ...(works ? [] : [initWithUndo(not, failing)])],
        }),
      );
      expect([existsSync(done), existsSync(not)]).toEqual([true, false]);
    }
  });

  test("`keep` keeps what a container leaves, not what a failed start leaves", async () => {
    const endings: readonly [string, string[], boolean][] = [
      ["ends", shell("exit 4"), true],
      ["is not found", ["/no/such/program"], false],
    ];
    for (const [why, argv, isThere] of endings) {
      const path = freshPath();
      await run(planOf(argv, { before: [mkdir(path, true)] }));
      expect(`${why}: ${existsSync(path)}`).toBe(`${why}: ${isThere}`);
    }
  });

  test("plans that make no sense are refused, not waited for", async () => {
    const refused: readonly (readonly Step[])[] = [
      [supervise()],
      [clone(), supervise(), execute(shell("true"))],
      [clone(), clone()],
      [byInit({ op: "umask", mask: 0 })],
      [clone(), byInit({ op: "umask", mask: 0 })],
      [clone(), byInit({ op: "pause" }), execute(shell("true")), supervise()],
      [byParent({ op: "chdir", at: { in: "nothing", path: "" }, again: false })],
      [
        byParent({
          op: "write_pid",
          at: onHost(freshPath("pid")),
          how: "exclusive",
          mode: 0o600,
          started: false,
          own: false,
        }),
      ],
    ];
    for (const steps of refused) {
      const outcome = await run(steps);
      expect(outcome.code).toBe(125);
      const failure = failureOf(outcome);
      expect(failure?.kind === "failed" ? failure.text : "nothing").toMatch(
        /there is|yet|cannot|kept|already|without|no first/,
      );
    }
  });
});

describe.skipIf(!isRoot)("life and death (needs root)", () => {
  test("the exit code is the program's, or 128 and the signal", async () => {
    const status = freshPath("status");
    const normal = await run(planOf(shell("exit 42"), { supervision: { status: onHost(status) } }));
    expect(normal).toMatchObject({ code: 42, signal: null, stdout: "", stderr: "" });
    expect(normal.events).toEqual([
      { kind: "started", pid: expect.any(Number) },
      { kind: "ended", code: 42, signal: 0, oomKilled: false },
    ] as never);
    expect(readFileSync(status, "utf8")).toBe("42");
    const killed = await run(planOf(shell("kill -9 $$"), { namespaces: ["mount"] }));
    expect(killed.code).toBe(137);
    expect(killed.events.at(-1)).toEqual({ kind: "ended", code: 137, signal: 9, oomKilled: false });
  });

  test("init killed in the middle: told, undone", async () => {
    const [path, pid] = [freshPath(), pidFile()];
    const { process, events, outcome } = start([
      mkdir(path),
      clone(),
      writePid(pid),
      pause,
      privately,
      execute(shell("true")),
      supervise(),
    ]);
    await until(() => events().some(({ kind }) => kind === "paused"), "pause");
    spawnSync("kill", ["-9", String(pidIn(pid))]);
    process.kill("SIGCONT");
    const { code, events: told } = await outcome;
    expect(code).toBe(125);
    expect(told.at(-1)).toMatchObject({
      kind: "failed",
      errno: constants.errno.ECHILD,
      text: "init was ended by signal 9",
    });
    expect(existsSync(path)).toBe(false);
  });

  test("the executor killed at a pause, or while the program runs: init is gone", async () => {
    for (const inTheMiddle of [true, false]) {
      const pid = pidFile();
      const { process, events, outcome } = start([
        clone(),
        writePid(pid),
        ...(inTheMiddle ? [pause] : []),
        privately,
        execute(shell("sleep 100")),
        supervise(),
      ]);
      const awaited = inTheMiddle ? "paused" : "started";
      await until(() => events().some(({ kind }) => kind === awaited), awaited);
      process.kill("SIGKILL");
      await outcome;
      await until(() => !isRunning(pidIn(pid)), "init's end");
    }
  });

  test("the caller ends: so does the container", async () => {
    const pid = pidFile();
    const { process, events, outcome } = start(
      planOf(shell("trap '' TERM; sleep 100"), { last: [], inside: [writePid(pid)] }),
      { wrapper: ["/bin/sh", "-c", '"$@" & wait', "sh"] },
    );
    await until(() => events().some(({ kind }) => kind === "started"), "start");
    process.kill("SIGKILL");
    await outcome;
    await until(() => !isRunning(pidIn(pid)), "init's end");
    await until(() => events().some(({ kind }) => kind === "ended"), "the executor's end");
  });

  test("a signal at a pause or while a step of init blocks: undone, 128 and the signal", async () => {
    const fifo = freshPath("fifo");
    spawnSync("mkfifo", [fifo]);
    const blocks = byInit({
      op: "write",
      at: onHost(fifo),
      text: "x",
      how: "existing",
      mode: 0,
    });
    for (const [signal, number] of [
      ["SIGINT", 2],
      ["SIGTERM", 15],
    ] as const) {
      for (const atPause of [true, false]) {
        const [path, pid] = [freshPath(), pidFile()];
        const { process, events, outcome } = start([
          mkdir(path, true),
          clone(),
          writePid(pid),
          ...(atPause ? [pause] : []),
          blocks,
          execute(shell("true")),
          supervise(),
        ]);
        if (atPause) await until(() => events().some(({ kind }) => kind === "paused"), "pause");
        else {
          await until(() => existsSync(pid), "init");
          await Bun.sleep(30); // it opens the FIFO, for which there is no reader
        }
        process.kill(signal);
        if (atPause) process.kill("SIGCONT");
        const { code, events: told } = await outcome;
        expect(code).toBe(128 + number);
        expect(told.at(-1)).toMatchObject({
          errno: constants.errno.EINTR,
          text: `stopped by signal ${number}`,
        });
        expect([existsSync(path), isRunning(pidIn(pid))]).toEqual([false, false]);
      }
    }
  });

  test("a lock on what is gone passes over steps, not what would undo them", async () => {
    const [first, second, third] = [freshPath(), freshPath(), freshPath()];
    const gone = { op: "lock", at: onHost(freshPath()), patience: 0 } as const;
    const { code } = await run([
      byParent({ ...gone, past: 2 }),
      mkdir(first, true),
      mkdir(second, true),
      mkdir(third, true),
    ]);
    expect([code, existsSync(first), existsSync(second)]).toEqual([0, false, false]);
    expect(existsSync(third)).toBe(true);
  });

  test("signals to the executor reach the program, real-time ones too", async () => {
    for (const number of [1, 2, 3, 10, 12, 15, 29, 37, 64]) {
      const { pid, said, outcome } = start(planOf(shell(trapScript(number))));
      await until(() => said().includes("ready"), "ready");
      spawnSync("kill", [`-${number}`, String(pid)]);
      expect(await outcome).toMatchObject({ code: 5, stdout: `ready\n${number}\n` });
    }
  });

  test("signals that are not passed on end the container, but for a window's new size", async () => {
    const { pid, said, outcome } = start(
      planOf(shell("echo ready; sleep 0.2; exit 3"), { supervision: { signals: false } }),
    );
    await until(() => said().includes("ready"), "ready");
    spawnSync("kill", ["-WINCH", String(pid)]);
    expect((await outcome).code).toBe(3);
    const other = start(planOf(shell("sleep 100"), { supervision: { signals: false } }));
    await until(() => other.events().length > 0, "start");
    other.process.kill("SIGTERM");
    expect((await other.outcome).code).toBe(137);
  });

  test("a caller that ignores SIGCHLD still gets the exit code", async () => {
    const wrapper = ["env", "--ignore-signal=CHLD"];
    expect((await run(planOf(shell("exit 6")), { wrapper })).code).toBe(6);
    const init = byInit({ op: "init" });
    const plan = planOf(shell("true & exit 7"), { last: [init] });
    expect((await run(plan, { wrapper })).code).toBe(7);
  });

  test("a signal that the caller ignores (nohup) does not end the container", async () => {
    const { process, events, outcome } = start(planOf(shell("sleep 0.2; exit 8")), {
      wrapper: ["env", "--ignore-signal=HUP"],
    });
    await until(() => events().length > 0, "start");
    process.kill("SIGHUP");
    expect((await outcome).code).toBe(8);
  });

  test("process 1 reaps orphans, passes signals on, and ends as the program does", async () => {
    const init = byInit({ op: "init" });
    const orphans = "for i in 1 2 3 4 5; do (true &) ; done; sleep 0.2; cat /proc/[0-9]*/stat";
    const reaped = await run(planOf(shell(`${orphans}; exit 9`), { last: [init] }));
    expect(reaped.code).toBe(9);
    expect(reaped.stdout).toMatch(/^1 \(pivot-init\) S 0 /);
    expect(reaped.stdout).not.toContain(") Z ");
    const script = "trap 'exit 10' USR1; echo ready; while :; do sleep 0.01; done";
    const { process, said, outcome } = start(planOf(shell(script), { last: [init] }));
    await until(() => said().includes("ready"), "ready");
    process.kill("SIGUSR1");
    expect((await outcome).code).toBe(10);
    const killed = await run(planOf(shell("kill -KILL $$"), { last: [init] }));
    expect(killed.code).toBe(137);
  });
});
