// A container that nobody stays with but its monitor: how it is started, what is kept of it, how it
// ends, and what is left when one of the processes is killed.

import { afterAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import type { Step } from "../src/plan/op.ts";
import {
  callsOf,
  childrenOf,
  endOf,
  hasEnded,
  installLauncher,
  logLines,
  numberIn,
  planAgain,
  planDetached,
  processState,
  reportOf,
  sleeps,
  spawnDetached,
  startDetached,
  until,
  wait,
} from "./detached.ts";
import { patience } from "./patience.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("detached");
const sh = (script: string): string[] => ["sh", "-c", script];
const rm = { rm: true } as const;

describe.skipIf(whyNot !== undefined)(`detached containers (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("the caller gets the id when it runs, and nothing of the caller is kept", async () => {
    const planned = await planDetached(ground, {
      command: sh("while [ ! -e /go ]; do sleep 0.02; done; echo done; exit 3"),
      options: rm,
    });
    expect(startDetached(planned)).toEqual({
      code: 0,
      signal: null,
      stdout: `${planned.id}\n`,
      stderr: "",
    });
    const monitor = numberIn(`${planned.state}/monitor`);
    expect(readlinkSync(`/proc/${monitor}/cwd`)).toBe("/");
    const streams = [0, 1, 2].map((fd) => readlinkSync(`/proc/${monitor}/fd/${fd}`));
    expect(streams).toEqual(["/dev/null", "/dev/null", "/dev/null"]);
    const [, , , , , session] = readFileSync(`/proc/${monitor}/stat`, "utf8").split(" ");
    expect(Number(session)).toBe(monitor);
    expect(existsSync(planned.exit)).toBe(false);
    const status = readFileSync(`/proc/${monitor}/status`, "utf8");
    process.kill(monitor, "SIGHUP"); // passed on: process 1 ignores it
    const pid = numberIn(`${planned.state}/pid`);
    await Bun.write(`/proc/${pid}/root/go`, "");
    expect(await endOf(planned)).toBe("3");
    expect(logLines(planned.log)).toEqual(["stdout F done"]);
    // It is small: 0.4 MB in a program of musl's, where conmon has 2.1.
    expect(Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(1500);
    await ground.expectNothingLeft();
  });

  test("what is kept: the writable layer, and nothing of the state; it can be started again", async () => {
    const first = await planDetached(ground, { command: sh("date >>/kept; wc -l </kept") });
    const data = `${ground.root}/containers/${first.id}`;
    for (const times of [1, 2]) {
      expect(startDetached(first)).toMatchObject({ code: 0, stderr: "" });
      expect(await endOf(first)).toBe("0");
      expect(readdirSync(data).sort()).toEqual(["upper", "work"]);
      expect(logLines(first.log).at(-1)).toBe(`stdout F ${times}`);
    }
    // A start that fails takes nothing away that was there before.
    const failing = first.plan.steps.map((step) =>
      step.op.op === "exec" ? { ...step, op: { ...step.op, paths: ["/none"] } } : step,
    );
    installLauncher(dirname(first.launcher), { ...first.plan, steps: failing });
    expect(startDetached(first).code).toBe(99);
    expect(existsSync(`${data}/upper/kept`)).toBe(true);
    // Nor the exit code of the last run.
    expect(readFileSync(first.exit, "utf8")).toBe("0");
    rmSync(data, { recursive: true });
    await ground.expectNothingLeft();
  });

  test("a start that fails is told by the process that the caller waits for", async () => {
    const planned = await planDetached(ground, { command: ["/none"], options: rm });
    expect(startDetached(planned)).toMatchObject({ code: 99, stdout: "" });
    expect(callsOf(planned).map((call) => call.replace(/^.*: /, ""))).toEqual(["internal-report"]);
    const { kind, errno, step } = reportOf(planned);
    expect({ kind, errno, op: step.op.op }).toEqual({ kind: "failed", errno: 2, op: "exec" });
    await ground.expectNothingLeft();
  });

  test("killed while it waits, or its monitor while it starts: nothing half made runs on", {
    timeout: 60_000 * patience,
  }, async () => {
    for (const whom of ["caller", "monitor"] as const) {
      const planned = await planDetached(ground, { command: sh("sleep 1000"), options: rm });
      // Behind its filter init takes no turns: whatever comes then, the program runs.
      const last = planned.plan.steps.findIndex(({ op }) => op.op === "seccomp");
      for (let at = 1; at <= last; at += 6) {
        const pause: Step = { by: "parent", op: { op: "sleep", time: 60_000 }, why: "here" };
        const steps = [...planned.plan.steps];
        // Beside a step of the parent: it is the monitor that stops there.
        steps.splice(at, 0, pause);
        installLauncher(dirname(planned.launcher), { ...planned.plan, steps });
        const child = spawnDetached(planned);
        const ended = once(child, "exit");
        const caller = child.pid ?? 0;
        await until(() => childrenOf(caller).some(sleeps), `it sleeps at ${at}`);
        const monitor = childrenOf(caller).find(sleeps) ?? 0;
        const all = [monitor, ...childrenOf(monitor)];
        process.kill(whom === "caller" ? caller : monitor, "SIGKILL");
        await until(() => all.every(hasEnded), `at ${at} without its ${whom}, all have ended`);
        await ended;
        if (whom === "monitor")
          expect(reportOf(planned)).toMatchObject({ kind: "failed", errno: 10 });
        if (whom === "monitor") expect(ground.pivot(["system", "prune", "-f"]).code).toBe(0);
        expect(existsSync(planned.state)).toBe(false);
      }
    }
    await ground.expectNothingLeft();
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    test(`${signal} to the process that waits stops the start`, async () => {
      const planned = await planDetached(ground, {
        command: ["true"],
        options: rm,
        monitor: { delay: 60_000 },
      });
      const child = spawnDetached(planned);
      const ended = once(child, "exit");
      await until(() => existsSync(`${planned.state}/attach`), "it waits");
      child.kill(signal);
      expect(await ended).toEqual([signal === "SIGINT" ? 130 : 143, null]);
      expect(callsOf(planned)).toEqual([]);
      await ground.expectNothingLeft();
    });
  }

  test("its monitor killed, the container ends, and prune takes the rest away", async () => {
    const planned = await planDetached(ground, { command: sh("sleep 1000"), options: rm });
    expect(startDetached(planned).code).toBe(0);
    const pid = numberIn(`${planned.state}/pid`);
    process.kill(numberIn(`${planned.state}/monitor`), "SIGKILL");
    await until(() => hasEnded(pid), "the container has ended");
    expect(ground.pivot(["system", "prune", "-f"]).stdout).toContain(planned.id);
    await ground.expectNothingLeft();
  });

  test("it survives the end of its terminal", async () => {
    const planned = await planDetached(ground, { command: sh("sleep 1000"), options: rm });
    const ran = ground.command(["script", "-qec", `${planned.launcher} start`, "/dev/null"]);
    expect(ran.stdout).toContain(planned.id);
    const pid = numberIn(`${planned.state}/pid`);
    await wait(50);
    expect(processState(pid)).toMatch(/[RS]/);
    process.kill(pid, "SIGKILL");
    expect(await endOf(planned)).toBe("137");
    await ground.expectNothingLeft();
  });

  test("that the kernel killed it for want of memory stands behind the code", async () => {
    const planned = await planDetached(ground, {
      command: sh("dd if=/dev/zero of=/dev/shm/a bs=1M count=60"),
      options: { rm: true, memory: 8n << 20n, memorySwap: 8n << 20n, shmSize: 64n << 20n },
    });
    expect(startDetached(planned).code).toBe(0);
    expect(await endOf(planned)).toMatch(/^\d+ oom$/);
    await ground.expectNothingLeft();
  });

  test("events are told when it runs and when it has ended, with its code", async () => {
    const path = `${ground.directory}/events`;
    const events = { path, start: "start x", end: "die x" };
    const planned = await planDetached(ground, {
      command: sh("exit 7"),
      options: rm,
      monitor: { events },
    });
    expect(startDetached(planned).code).toBe(0);
    await endOf(planned);
    const lines = readFileSync(path, "utf8").split("\n");
    expect(lines.map((line) => line.replace(/^\d{19} /, ""))).toEqual(["start x", "die x 7", ""]);
  });

  test("afterwards the program is started with the code, and can hand over another plan", async () => {
    const wish = { command: sh("echo one; exit 4"), monitor: { afterwards: ["again", "x"] } };
    const planned = await planDetached(ground, wish);
    const restart = await planDetached(ground, {
      command: sh("echo two; exit 5"),
      options: rm,
      monitor: {
        announce: null,
        afterwards: ["again", "y"],
        delay: 300,
        program: planned.launcher,
      },
    });
    planAgain(planned, restart.plan);
    expect(startDetached(planned).code).toBe(0);
    const monitor = numberIn(`${planned.state}/monitor`);
    await until(() => existsSync(`${restart.state}/monitor`), "it starts again");
    // The same process, which waits.
    expect(numberIn(`${restart.state}/monitor`)).toBe(monitor);
    expect(await endOf(restart)).toBe("5");
    await until(() => callsOf(planned).length === 2, "it is called again");
    expect(callsOf(planned)).toEqual(["/ /usr/bin:/bin: again x 4", "/ /usr/bin:/bin: again y 5"]);
    expect(logLines(restart.log)).toEqual(["stdout F two"]);
    rmSync(`${ground.root}/containers/${planned.id}`, { recursive: true });
    await ground.expectNothingLeft();
  });

  test("a monitor that waits before a restart is stopped by SIGTERM, and leaves nothing", async () => {
    const monitor = { afterwards: ["again"], announce: null, delay: 60_000 };
    const planned = await planDetached(ground, { command: ["true"], options: rm, monitor });
    const child = spawnDetached(planned);
    const ended = once(child, "exit");
    await until(() => existsSync(`${planned.state}/attach`), "it waits");
    process.kill(numberIn(`${planned.state}/monitor`), "SIGTERM");
    expect(await ended).toEqual([143, null]);
    expect(callsOf(planned)).toEqual([]);
    await ground.expectNothingLeft();
  });

  test("health: the program is started every so often, never twice at once", async () => {
    const health = { argv: ["health"], interval: 50, startInterval: 0, startPeriod: 0 };
    const planned = await planDetached(ground, {
      command: sh("sleep 1.5"),
      options: rm,
      monitor: { health },
    });
    expect(startDetached(planned).code).toBe(0);
    expect(await endOf(planned)).toBe("0");
    const calls = callsOf(planned).map((call) => call.replace(/^.*: /, ""));
    expect(calls.length).toBeGreaterThanOrEqual(4);
    // One that lasts longer than the pause between two: the next begins when it has ended.
    for (const [i, call] of calls.entries()) {
      expect(call).toBe(i % 2 === 0 ? "health" : "health has ended");
    }
  });
});
