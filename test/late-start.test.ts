// A stop that comes between two runs of a container: its policy has begun the next, and nothing of
// that can be seen yet.

import { afterAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import type { Described } from "../src/container/record.ts";
import { endContainer } from "../src/engine/act.ts";
import { withDatabase } from "../src/engine/database.ts";
import { keepContainer, noteRestart, noteStart } from "../src/engine/kept.ts";
import { defaultEngineOptions } from "../src/engine/options.ts";
import { listContainers } from "../src/engine/status.ts";
import { patience } from "./patience.ts";
import { Ground, whyNot } from "./pivot.ts";

const ground = new Ground("late-start");
const roots = { runRoot: ground.runRoot, dataRoot: ground.root };
const wait = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

async function keep(digit: string) {
  const id = digit.repeat(64);
  await keepContainer({
    version: 2,
    id,
    name: `late-${digit}`,
    dataRoot: ground.root,
    created: Date.now(),
    cgroups: [],
    options: {},
    labels: {},
    mounts: [],
    engine: { ...defaultEngineOptions, restart: { name: "always", retries: 0 } },
    process: { stopSignal: 15 },
    source: { kind: "rootfs", directory: "/", readonly: true },
  } as unknown as Described);
  await noteStart(ground.root, id);
  mkdirSync(`${ground.root}/containers/${id}`, { recursive: true });
  await wait(5);
  writeFileSync(`${ground.root}/containers/${id}/exit`, "0");
  await wait(5);
  return id;
}

async function find(id: string) {
  const found = (await listContainers(roots)).find((each) => each.id === id);
  if (found === undefined) throw new Error(`no container ${id}`);
  return found;
}

/** What stands in for a monitor: its directory goes with it. */
function begin(id: string) {
  const directory = `${ground.runRoot}/${id}`;
  const monitor = spawn("sleep", ["100"], { stdio: "ignore" });
  const stat = readFileSync(`/proc/${monitor.pid}/stat`, "latin1");
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/monitor`, `${monitor.pid} ${stat.split(") ")[1]?.split(" ")[19]}`);
  const ended = new Promise<void>((resolve) => {
    monitor.once("exit", () => {
      rmSync(directory, { recursive: true });
      resolve();
    });
  });
  return { monitor, ended };
}

describe.skipIf(whyNot !== undefined)(`a late start (${whyNot ?? "as root"})`, () => {
  afterAll(() => {
    rmSync(`${ground.root}/containers`, { recursive: true });
    return ground.close();
  });

  test("one that was noted is waited for, and ended", async () => {
    const id = await keep("a");
    expect(await noteRestart(ground.root, id)).toBe(true);
    const seen = await find(id);
    expect(seen.status).toBe("restarting");
    const ending = endContainer(seen, roots, { signal: 15, seconds: 1 });
    await wait(700); // a busy machine
    const { monitor, ended } = begin(id);
    await ending;
    expect(monitor.signalCode).toBe("SIGTERM");
    await ended;
    expect((await find(id)).status).toBe("exited");
  });

  test("one that was not noted does not come, and nobody waits for it", async () => {
    const id = await keep("b");
    const seen = await find(id);
    expect(seen.status).toBe("restarting");
    const before = Date.now();
    await endContainer(seen, roots, { signal: 15, seconds: 1 });
    expect(Date.now() - before).toBeLessThan(5000 * patience);
    expect(await noteRestart(ground.root, id)).toBe(false);
  });

  /** As on a busy machine: it ended so long ago that it looks as if nothing came any more. */
  async function keepLongEnded(digit: string) {
    const id = await keep(digit);
    const then = Date.now() / 1000 - 3;
    utimesSync(`${ground.root}/containers/${id}/exit`, then, then);
    await noteStartedAt(id, Date.now() - 4_000);
    return id;
  }

  const noteStartedAt = (id: string, time: number) =>
    withDatabase(ground.root, (database) => {
      database.prepare("UPDATE containers SET started = ? WHERE id = ?").run(time, id);
    });

  test("one that is planned for long does not come after a stop", async () => {
    const id = await keepLongEnded("c");
    const seen = await find(id);
    expect(seen.status).toBe("exited");
    await endContainer(seen, roots, { signal: 15, seconds: 1 });
    expect(await noteRestart(ground.root, id)).toBe(false);
  });

  test("one that was noted long after the end is waited for, and ended", async () => {
    const id = await keepLongEnded("d");
    expect(await noteRestart(ground.root, id)).toBe(true);
    const seen = await find(id);
    expect(seen.status).toBe("exited");
    const ending = endContainer(seen, roots, { signal: 15, seconds: 1 });
    await wait(300);
    const { monitor, ended } = begin(id);
    await ending;
    expect(monitor.signalCode).toBe("SIGTERM");
    await ended;
  });

  test("one that has come since the look at it, and was ended, is not waited for", async () => {
    const id = await keep("e");
    expect(await noteRestart(ground.root, id)).toBe(true);
    const seen = await find(id);
    const { monitor, ended } = begin(id);
    const before = Date.now();
    await endContainer(seen, roots, { signal: 15, seconds: 1 });
    expect(Date.now() - before).toBeLessThan(8000 * patience);
    expect(monitor.signalCode).toBe("SIGTERM");
    await ended;
  });
});
