// What is left of a container whose start was cut short: by a signal nothing, and by SIGKILL nothing
// that `pivot system prune` would not find.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { lstatSync, mkdirSync, readFileSync } from "node:fs";
import { executePlan } from "../src/executor/spawn.ts";
import { planFromJson } from "../src/plan/json.ts";
import type { Plan, Step } from "../src/plan/op.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

const ground = new Ground("killed");

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The letter of proc_pid_stat(5); empty when there is no such process. */
function stateOf(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? "";
  } catch {
    return "";
  }
}

async function until(isSo: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2000 * patience; i++) {
    if (isSo()) return;
    await wait(2);
  }
  throw new Error(`it did not come to it that ${what}`);
}

const pause: Step = { by: "parent", op: { op: "pause" }, why: "the test looks here" };

/** The plan with a stop after so many steps. */
const pausedAfter = ({ version, steps }: Plan, count: number): Plan => ({
  version,
  steps: [...steps.slice(0, count), pause, ...steps.slice(count)],
});

/** A plan with a bit of everything. */
function planOf(): Plan {
  const shown = `${ground.directory}/shown`;
  mkdirSync(shown, { recursive: true });
  const flags =
    `--name short-lived --init --memory 64m --pids-limit 9 --cpus 1 -v ${shown}:/shown --tmpfs /scratch --sysctl net.ipv4.ip_forward=1 -u daemon -w /made`.split(
      " ",
    );
  const ran = ground.pivot(["plan", "--format", "json", ...flags, "busybox", "sleep", "1000"]);
  expect(ran).toMatchObject({ code: 0, stderr: "" });
  return planFromJson(ran.stdout);
}

async function killAfter(plan: Plan, count: number): Promise<void> {
  let stop = (): void => {};
  const isPaused = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const { child, outcome } = executePlan(
    pausedAfter(plan, count),
    ["ignore", "pipe", "pipe"],
    ({ kind }) => {
      if (kind === "paused") stop();
    },
  );
  const ended = outcome.then(({ failure }) => {
    throw new Error(`it ended before step ${count} was done: ${JSON.stringify(failure)}`);
  });
  await Promise.race([isPaused, ended]);
  child.kill("SIGKILL");
  await ended.catch(() => {});
}

/** What the plan would take away again, and is there: its directories, names and cgroups. */
const left = ({ steps }: Plan): string[] =>
  steps
    .flatMap(({ undo }) =>
      undo !== undefined && "at" in undo && undo.at !== null ? [undo.at.path] : [],
    )
    .filter((path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined);

describe.skipIf(whyNot !== undefined)(`a start cut short (${whyNot ?? "as root"})`, () => {
  afterAll(() => ground.close());

  test("killed after any step, it leaves nothing that prune does not remove", {
    timeout: 120_000 * patience,
  }, async () => {
    ground.shell([], "true"); // the image
    const plan = planOf();
    const container = plan.steps.findIndex(({ op }) => op.op === "clone");
    expect(container).toBeGreaterThan(20);
    for (let count = 1; count < plan.steps.length; count++) {
      await killAfter(plan, count);
      if (count === container + 1) expect(left(plan).length).toBeGreaterThan(3);
      const ran = ground.pivot(["system", "prune", "-f"]);
      expect({ count, ...ran }).toMatchObject({ count, code: 0, stderr: "" });
      expect({ count, left: left(plan) }).toEqual({ count, left: [] });
      // All of the machine is looked at less often, since that takes longer than all the rest.
      if (count % 16 === 0) await ground.expectNothingLeft();
    }
    await ground.expectNothingLeft();
    expect(plan.steps.at(-1)?.op.op).toBe("supervise");
  });

  test("while it runs, killing pivot ends the container", async () => {
    const running = await ground.start([]);
    running.process.kill("SIGKILL");
    await until(() => /^Z?$/.test(stateOf(running.pid)), "the container's process has ended");
    const { stdout, code } = ground.pivot(["system", "prune", "-f"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: .+\n$/);
    await ground.expectNothingLeft();
  });

  test("of one that is kept prune removes what its run has left, and says no more than that", async () => {
    expect(ground.pivot(["run", "-d", "--name", "kept", "busybox", "sleep", "1000"]).code).toBe(0);
    const pid = ground.pivot(["inspect", "-f", "{{.State.Pid}}", "kept"]).stdout.trim();
    const parent = /^PPid:\s*(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "latin1"))?.[1];
    process.kill(Number(parent), "SIGKILL");
    await until(() => /^Z?$/.test(stateOf(Number(pid))), "the container's process has ended");
    // Nothing but remains: the filter spares the container itself.
    const { stdout } = ground.pivot(["system", "prune", "-f", "--filter", "label=none"]);
    expect(stdout).toMatch(/^Deleted:\n\/\S+\/[0-9a-f]{64}\n\nTotal reclaimed space: 0B\n$/);
    expect(ground.pivot(["ps", "-a", "--format", "{{.Names}}"]).stdout).toBe("kept\n");
    expect(ground.pivot(["start", "kept"]).code).toBe(0);
    expect(ground.pivot(["rm", "-f", "kept"]).code).toBe(0);
    await ground.expectNothingLeft();
  });

  test("prune leaves a container alone that runs", async () => {
    const running = await ground.start([]);
    try {
      expect(ground.pivot(["system", "prune", "-f"])).toMatchObject({
        code: 0,
        stdout: "Total reclaimed space: 0B\n",
        stderr: "",
      });
      expect(stateOf(running.pid)).toMatch(/[RS]/);
    } finally {
      await running.stop();
    }
    await ground.expectNothingLeft();
  });

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const) {
    test(`${signal} at any moment of a start leaves nothing, without prune`, {
      timeout: 60_000 * patience,
    }, async () => {
      const codes = new Set<string>();
      // The moments are spread over a start, however long one takes here.
      const began = Date.now();
      ground.pivot(["run", "--rm", "busybox", "true"]);
      const length = Date.now() - began;
      for (let i = 0; i < 30; i++) {
        const args = [...ground.roots(), "run", "--rm", "--init", "--name", "cut", "-m", "64m"];
        const child = spawn(pivotPath, [...args, "busybox", "sleep", "20"], {
          stdio: ["ignore", "ignore", "pipe"],
        });
        let said = "";
        child.stderr.on("data", (bytes) => {
          said += bytes;
        });
        const ended = new Promise<string>((resolve) =>
          child.once("close", (code, by) => resolve(by ?? String(code))),
        );
        await wait(((i + Math.random()) / 30) * 1.2 * length);
        const start = Date.now();
        child.kill(signal);
        const how = await ended;
        expect(Date.now() - start).toBeLessThan(5000);
        codes.add(how);
        expect(said).toMatch(
          /^(|pivot: stopped by signal \d+ while the container was being made\n)$/,
        );
        await ground.expectNothingLeft();
      }
      // By the signal itself before there is anything to clean up; then with the code that says so.
      const number = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1, SIGQUIT: 3 }[signal];
      expect([...codes].filter((how) => how !== signal)).toEqual([String(128 + number)]);
    });
  }
});
