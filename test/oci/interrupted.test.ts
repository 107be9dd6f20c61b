// The runtime killed at any moment of a create, start or delete: what is left tells the truth, and
// `delete --force` clears it.

import { describe, expect } from "bun:test";
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { listIfThere, processesAt } from "../leftovers.ts";
import { patience } from "../patience.ts";
import { cgroupsNamed, isAlive, OciGround, type State } from "./ground.ts";
import { demand, runtimeWords, title, whyNot } from "./runtime.ts";

describe.skipIf(whyNot !== undefined)(title("a runtime that was killed"), () => {
  const ground = new OciGround("killed");

  /** How the runtime ended: its code, or the signal's name. */
  function killAfter(words: readonly string[], milliseconds: number): Promise<string> {
    const [program = "", ...args] = [...runtimeWords, "--root", ground.root, ...words];
    const child = spawn(program, args, { stdio: "ignore" });
    const timer = setTimeout(() => child.kill("SIGKILL"), milliseconds);
    return new Promise((resolve) =>
      child.once("exit", (code, signal) => {
        clearTimeout(timer);
        resolve(signal ?? String(code));
      }),
    );
  }

  /** How long such a call takes when it is left alone. */
  function timeOf(words: readonly string[]): number {
    const start = performance.now();
    ground.ok(words);
    return performance.now() - start;
  }

  /** Asserts that `state` tells what is there: an error, or a status and a pid that are true. */
  function expectTruth(id: string): void {
    const called = ground.call(["state", id]);
    if (called.code !== 0) {
      expect(called.stderr).toMatch(/^[^\n]+\n$/);
      return;
    }
    const { status, pid = 0 } = JSON.parse(called.stdout) as State;
    expect(["creating", "created", "running", "stopped"]).toContain(status);
    // It may end between two looks: who waits for its start ends when who said it is killed.
    if ((status === "created" || status === "running") && !isAlive(pid))
      expect(ground.state(id).status).toBe("stopped");
    if (status === "stopped" && pid !== 0) expect(isAlive(pid)).toBe(false);
  }

  async function expectCleared(id: string): Promise<void> {
    const called = ground.call(["delete", "--force", id]);
    expect(called).toMatchObject({ code: 0, signal: null });
    for (let i = 0; i < 40; i++) {
      if (processesAt(ground.directory).length === 0 && cgroupsNamed(ground.tag).length === 0)
        break;
      await Bun.sleep(25);
    }
    expect({
      processes: processesAt(ground.directory),
      cgroups: cgroupsNamed(ground.tag),
      states: listIfThere(ground.root).filter((name) => name.includes(ground.tag)),
    }).toEqual({ processes: [], cgroups: [], states: [] });
  }

  const moments = 30;
  demand(
    "SIGKILL at 30 moments of create: state is true, delete --force clears, the id is free",
    async () => {
      const bundle = ground.bundle();
      const first = ground.id();
      const whole = timeOf(["create", "--bundle", bundle, first]);
      ground.ok(["delete", "--force", first]);
      const ends = new Set<string>();
      for (let i = 0; i < moments; i++) {
        const id = ground.id();
        ends.add(await killAfter(["create", "--bundle", bundle, id], (whole * 1.1 * i) / moments));
        expectTruth(id);
        await expectCleared(id);
        expect(readdirSync(bundle)).toEqual(["config.json"]);
      }
      expect(ends).toContain("SIGKILL");
      ground.ok(["create", "--bundle", bundle, first]);
      ground.ok(["delete", "--force", first]);
      await ground.expectNothingLeft();
    },
    60_000 * patience,
  );

  demand(
    "SIGKILL at moments of start and of delete: the same",
    async () => {
      const first = ground.create();
      const start = timeOf(["start", first.id]);
      const remove = timeOf(["delete", "--force", first.id]);
      for (let i = 0; i < 8; i++) {
        const { id } = ground.create();
        await killAfter(["start", id], (start * i) / 8);
        expectTruth(id);
        await killAfter(["delete", "--force", id], (remove * i) / 8);
        expectTruth(id);
        await expectCleared(id);
      }
    },
    60_000 * patience,
  );

  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    demand(`${signal} in a create: it is refused or done, and can be cleared`, async () => {
      const bundle = ground.bundle();
      for (let i = 0; i < 5; i++) {
        const id = ground.id();
        const [program = "", ...args] = runtimeWords;
        const words = ["--root", ground.root, "create", "--bundle", bundle, id];
        const child = spawn(program, [...args, ...words], { stdio: "ignore" });
        const ended = new Promise((resolve) => child.once("exit", resolve));
        await Bun.sleep(4 * i + 1);
        child.kill(signal);
        await ended;
        expectTruth(id);
        await expectCleared(id);
      }
    });
  }
});
