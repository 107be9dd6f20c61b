// What the executor copies: pipes in all directions, whoever of the two sides goes first, and the
// container's terminal.

import { afterAll, describe, expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import type { Stream } from "../src/plan/constants.ts";
import type { Step } from "../src/plan/op.ts";
import {
  byInit,
  eventsIn,
  executor,
  failureOf,
  freshDirectory,
  freshPath,
  isRoot,
  isRunning,
  leaveNothing,
  mountTmpfs,
  onHost,
  planOf,
  processorTime,
  run,
  shell,
  start,
  until,
  writePlan,
} from "./executor-harness.ts";
import { patience } from "./patience.ts";

leaveNothing();

const pipes: readonly [Stream, Stream, Stream] = ["pipe", "pipe", "pipe"];

/** A shell around the executor, which it finds as "$@". */
const inShell = (script: string): readonly string[] => ["/bin/sh", "-c", script, "sh"];

describe.skipIf(!isRoot)("pipes (needs root)", () => {
  const big = freshPath("big");
  writeFileSync(big, Buffer.alloc(10_000_000, "all work and no play makes a dull copy\n"));

  test("ten million bytes in, out and to the error stream", async () => {
    const [out, error] = [freshPath("out"), freshPath("error")];
    const plan = planOf(shell("tee /proc/self/fd/2"), { streams: pipes });
    const wrapper = inShell(`cat ${big} | { "$@" 2>&1 >&5 | cat >${error}; } 5>&1 | cat >${out}`);
    const { code, stderr } = await run(plan, { wrapper });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    for (const copy of [out, error]) {
      expect(statSync(copy).size).toBe(10_000_000);
      expect(spawnSync("cmp", [big, copy]).status).toBe(0);
    }
  });

  test("to a reader that takes its time, and to a file", async () => {
    const out = freshPath("out");
    const plan = planOf(shell("head -c 300000 /dev/zero; exit 3"), { streams: pipes });
    const slow = inShell(`"$@" | { sleep 0.3; wc -c; }`);
    expect((await run(plan, { wrapper: slow })).stdout).toBe("300000\n");
    const { code } = await run(plan, { wrapper: inShell(`"$@" >${out}`) });
    expect([code, statSync(out).size]).toEqual([3, 300000]);
  });

  test("standard input that has ended has ended inside too", async () => {
    for (const wrapper of [inShell('"$@" </dev/null'), inShell('"$@" <&-'), inShell(': | "$@"')]) {
      const plan = planOf(shell("wc -c; exit 4"), { streams: pipes });
      expect(await run(plan, { wrapper })).toMatchObject({ code: 4, stdout: "0\n" });
    }
  });

  test("who reads from a program has gone: it gets SIGPIPE", async () => {
    const status = freshPath("status");
    const plan = planOf(shell("yes; echo $? >&2; exit 5"), { streams: pipes });
    const wrapper = inShell(`{ "$@"; echo $? >${status}; } | head -c 5`);
    const { stdout, stderr } = await run(plan, { wrapper });
    expect({ stdout, stderr }).toEqual({ stdout: "y\ny\ny", stderr: "141\n" });
    expect(readFileSync(status, "utf8")).toBe("5\n");
  });

  test("waiting costs nothing, whichever end is closed", async () => {
    const idle: readonly (readonly [string, string])[] = [
      ["exec sleep 0.5", 'yes | "$@"'], // nobody reads what comes
      ["exec <&-; exec sleep 0.5", 'yes | "$@"'],
      ["exec <&- >&- 2>&-; sleep 0.5", '"$@" </dev/null'],
      ["yes >&2 & exec sleep 0.5", '"$@" 2>&1 >/dev/null | { exec <&-; sleep 0.4; }'],
      ["(trap '' PIPE; echo x; sleep 0.1; echo y); sleep 0.4", '"$@" | true'],
      ["head -c 100000 /dev/zero; sleep 0.3", '"$@" | { sleep 0.6; cat >/dev/null; }'],
    ];
    for (const [inside, outside] of idle) {
      const file = freshPath("pid");
      const writePid = `echo $$ >${file}; exec "$@"`;
      const wrapper = inShell(outside.replace('"$@"', `sh -c '${writePid}' sh "$@"`));
      const { events, outcome } = start(planOf(shell(inside), { streams: pipes }), { wrapper });
      await until(() => events().length > 0, "start");
      await Bun.sleep(300);
      const pid = Number(readFileSync(file, "utf8"));
      const spent = isRunning(pid) ? processorTime(pid) : 0;
      await outcome;
      expect({ inside, outside, lazy: spent <= 6 }).toMatchObject({ inside, lazy: true });
      expect(isRunning(pid)).toBe(false);
    }
  });

  test("a process that outlives its container is not waited for, however much it writes", async () => {
    const script = `trap '' HUP; yes & exec sleep ${0.1 * patience}`;
    const plan = planOf(shell(script), { streams: pipes, namespaces: ["mount"] });
    const { code, stdout } = await run(plan, { wrapper: inShell('"$@" | tail -c 2') });
    expect([code, stdout]).toEqual([0, "y\n"]);
  });

  test("what nobody takes can be given up by a signal, when the container has ended", async () => {
    const file = freshPath("pid");
    const outside = `sh -c 'echo $$ >${file}; exec "$@"' sh "$@" | sleep 100`;
    const plan = planOf(shell("head -c 100000 /dev/zero; exit 6"), { streams: pipes });
    const { process, outcome } = start(plan, {
      wrapper: inShell(outside),
      options: { detached: true },
    });
    const said = () => (existsSync(file) ? readFileSync(file, "utf8") : "");
    await until(() => said().endsWith("\n"), "start");
    const pid = Number(said());
    const children = () => readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
    await until(() => children() !== "", "the container");
    const init = children().trim();
    // It is not waited for before its output is copied.
    await until(() => /\) Z /.test(readFileSync(`/proc/${init}/stat`, "latin1")), "its end");
    await Bun.sleep(100);
    expect(isRunning(pid)).toBe(true);
    spawnSync("kill", ["-TERM", String(pid)]);
    await until(() => !isRunning(pid), "the end");
    spawnSync("kill", ["-KILL", "--", `-${process.pid}`]);
    await outcome;
  });
});

// ── terminals ──────────────────────────────────────────────────────────────────────────────

const canonical = 0o2;
const echo = 0o10;

describe.skipIf(!isRoot)("a terminal (needs root)", () => {
  const files = freshDirectory("terminal");

  const steps = (script: string, before: readonly Step[] = [], last: readonly Step[] = []) =>
    planOf(shell(script), {
      streams: ["terminal", "terminal", "terminal"],
      inside: [
        mountTmpfs(onHost(files), "t"),
        byInit({
          op: "mount",
          type: "devpts",
          source: "devpts",
          attributes: [],
          create: "matching",
          options: ["newinstance", "ptmxmode=0666", "mode=0620"],
          at: { in: "t", path: "/pts" },
          into: "devpts",
        }),
        byInit({
          op: "console",
          devpts: "devpts",
          at: { in: "t", path: "/console" },
          uid: 0,
          rows: 0,
          columns: 0,
        }),
      ],
      before,
      last,
    });

  const open = new Set<{ close(): void }>();
  afterAll(() => {
    for (const terminal of open) terminal.close();
  });

  /** The executor on a terminal of 33 rows and 77 columns. */
  function startOnTerminal(plan: readonly Step[]) {
    const { planFile, resultFile } = writePlan(plan);
    let output = "";
    const child = Bun.spawn(
      ["/bin/sh", "-c", 'exec "$0" run 3 4 3<"$1" 4<>"$2"', executor, planFile, resultFile],
      {
        terminal: {
          rows: 33,
          cols: 77,
          data: (_terminal, data) => {
            output += new TextDecoder().decode(data);
          },
        },
      },
    );
    const { terminal } = child;
    if (terminal === undefined) throw new Error("no terminal");
    open.add(terminal);
    return {
      child,
      terminal,
      isCooked: () => (terminal.localFlags & (canonical | echo)) === (canonical | echo),
      output: () => output,
      says: (text: string) => until(() => output.includes(text), `${text} in ${output}`),
      events: () => eventsIn(resultFile),
    };
  }

  test("its size is there from the first moment, and follows", async () => {
    const { child, terminal, says, output } = startOnTerminal(
      steps("stty size; trap 'stty size; exit 3' WINCH; echo ready; while :; do sleep 0.01; done"),
    );
    await says("ready");
    terminal.resize(99, 44);
    expect(await child.exited).toBe(3);
    await says("44 99");
    expect(output()).toBe("33 77\r\nready\r\n44 99\r\n");
  });

  test("raw while the container runs, as before when it has ended; keys arrive inside", async () => {
    const { child, terminal, isCooked, says, output } = startOnTerminal(
      steps("stty -echo; echo ready; read line; echo got $line; cat; echo end; exit 4"),
    );
    expect(isCooked()).toBe(true);
    await says("ready");
    await until(() => !isCooked(), "raw mode");
    terminal.write("one two\nmore\n");
    await says("more");
    terminal.write("\x04");
    expect(await child.exited).toBe(4);
    await says("end");
    expect(isCooked()).toBe(true);
    expect(output()).toBe("ready\r\ngot one two\r\nmore\r\nend\r\n");
  });

  test("^C is for the program inside, with a process 1 before it too", async () => {
    for (const last of [[], [byInit({ op: "init" })]]) {
      const { child, terminal, isCooked, says, output } = startOnTerminal(
        steps("trap 'echo int; exit 5' INT; echo ready; while :; do sleep 0.01; done", [], last),
      );
      await says("ready");
      await until(() => !isCooked(), "raw mode");
      terminal.write("\x03");
      expect(await child.exited).toBe(5);
      await says("int");
      expect(output().match(/int/g)?.length).toBe(1);
    }
  });

  test("it is as before also when something fails at the end", async () => {
    const status = freshPath("status");
    writeFileSync(status, "in the way");
    const plan = steps("echo ready; read line").map(
      (step): Step =>
        step.op.op === "supervise" ? { ...step, op: { ...step.op, status: onHost(status) } } : step,
    );
    const { child, terminal, isCooked, says, events } = startOnTerminal(plan);
    await says("ready");
    await until(() => !isCooked(), "raw mode");
    terminal.write("\n");
    await child.exited;
    expect(isCooked()).toBe(true);
    expect(failureOf({ events: events() } as never)).toMatchObject({ errno: 17 });
  });

  test("nobody has it open for a while: what is written to it afterwards is seen", async () => {
    const script = `exec <&- >&- 2>&-; sleep 0.1; echo late >${files}/console; sleep 0.1
      head -c 200000 /dev/zero >${files}/console; exit 6`;
    const { child, says } = startOnTerminal(steps(script));
    await says("late");
    expect(await child.exited).toBe(6);
  });

  test("a program that never reads does not keep the executor from its work", async () => {
    const { child, terminal, isCooked, says } = startOnTerminal(
      steps("stty -icanon; trap 'exit 7' TERM; echo ready; while :; do echo -; sleep 0.01; done"),
    );
    await says("ready");
    await until(() => !isCooked(), "raw mode");
    terminal.write("x".repeat(50_000));
    await Bun.sleep(100);
    const ticks = processorTime(child.pid);
    await Bun.sleep(300);
    expect(processorTime(child.pid) - ticks).toBeLessThan(6);
    child.kill("SIGTERM");
    expect(await child.exited).toBe(7);
  });

  test("the caller's terminal is gone: the container's hangs up", async () => {
    const { child, terminal, says } = startOnTerminal(
      steps("trap 'exit 8' HUP; echo ready; while :; do sleep 0.01; done"),
    );
    await says("ready");
    terminal.close();
    expect(await child.exited).toBe(8);
  });
});
