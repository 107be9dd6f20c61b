/** The library's containers and how they end: by a signal, a time-out, want of memory, a caller that does not read. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { removeContainer } from "../src/engine/remove.ts";
import { type Container, listContainers, readContainer } from "../src/engine/status.ts";
import { readCgroupLayout } from "../src/host/cgroups.ts";
import { OutputError, RunError, type RunRequest, run, start, WishError } from "../src/mod.ts";
import { runPrepared } from "../src/run.ts";

const noCgroups = readCgroupLayout().mode === "none" ? "there are no cgroups" : undefined;

let root = "";
const request = (script: string, more: Partial<RunRequest> = {}): RunRequest => ({
  image: "busybox",
  network: "none",
  command: ["sh", "-c", script],
  roots: { dataRoot: join(root, "data"), runRoot: join(root, "run") },
  ...more,
});
const containers = (): string[] => readdirSync(join(root, "data/containers"));
const thrown = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => null,
    (reason: unknown) => reason,
  );

beforeAll(async () => {
  root = mkdtempSync("/tmp/pivot-library-ends-");
  await run(request("true"));
});

afterAll(() => rmSync(root, { recursive: true, force: true }));

test("a signal that fires at any moment of a start ends it, and is told as the signal", async () => {
  const reason = new Error("no longer wanted");
  for (const after of [0, 2, 4, 8, 12, 16, 24]) {
    const caller = new AbortController();
    const began = Date.now();
    const started = start(request("sleep 60", { signal: caller.signal }));
    setTimeout(() => caller.abort(reason), after);
    const came = await started.then(
      ({ ended }) => ended,
      (error: unknown) => error,
    );
    if (came !== reason) expect(came).toMatchObject({ signal: 9, aborted: true, timedOut: false });
    expect(Date.now() - began).toBeLessThan(30_000);
  }
  expect(containers()).toEqual([]);
});

test("a time-out during the start is told as one", async () => {
  const error = await thrown(run(request("sleep 60", { timeout: 0 })));
  if (!(error instanceof RunError)) throw new Error(`expected a RunError, received ${error}`);
  expect(error.timedOut).toBe(true);
  expect(error.message).toBe("the time-out of 0 ms was over before the program ran");
  expect(containers()).toEqual([]);
});

test("a container that somebody else killed has not timed out", async () => {
  const container = await start(request("sleep 60", { timeout: 60_000 }));
  container.kill();
  expect(await container.ended).toMatchObject({ signal: 9, timedOut: false, aborted: false });
});

test.skipIf(noCgroups !== undefined)(
  `want of memory is told (${noCgroups ?? "limits"})`,
  async () => {
    const memory = 16 * 1024 * 1024;
    const first = await run(request("exec tail /dev/zero", { memory }));
    expect(first).toMatchObject({ signal: 9, oomKilled: true });
    const child = await run(request("tail /dev/zero; exit 4", { memory }));
    expect(child).toMatchObject({ exitCode: 4, signal: 0, oomKilled: true });
    expect(await run(request("true", { memory }))).toMatchObject({ oomKilled: false });
  },
);

test("each signal comes to the program, also those that the executor would die or stop of", async () => {
  const script = "trap 'exit 7' $0; echo ready; while :; do sleep 0.02; done";
  for (const name of ["SIGABRT", "SIGTERM"] as const) {
    for (const signalProxy of [true, false]) {
      const command = ["sh", "-c", script, name.slice(3)];
      const container = await start(request("", { command, signalProxy }));
      await new Promise((told) => container.stdout?.once("data", told));
      container.kill(name);
      expect(await container.ended).toMatchObject({ exitCode: 7 });
    }
  }
  expect(containers()).toEqual([]);
});

test("to kill what is just ending is nothing bad", async () => {
  const lives = Array.from({ length: 12 }, async (_, i) => {
    const container = await start(request(`sleep 0.0${i % 10}`));
    const timer = setInterval(() => container.kill(), 0);
    await container.ended;
    clearInterval(timer);
    container.kill();
  });
  await Promise.all(lives);
});

test("what was not read when it ended is there to be read", async () => {
  const container = await start(request("echo late; echo error >&2"));
  expect(await container.ended).toMatchObject({ exitCode: 0 });
  const read = await Promise.all([container.stdout?.toArray(), container.stderr?.toArray()]);
  expect(read.map((chunks) => Buffer.concat(chunks ?? []).toString())).toEqual([
    "late\n",
    "error\n",
  ]);
});

test("who does not read holds the program up, and not its end by kill", async () => {
  const container = await start(request("yes"));
  await sleep(200);
  container.kill();
  expect(await container.ended).toMatchObject({ signal: 9 });
  const read = Buffer.concat((await container.stdout?.toArray()) ?? []);
  expect(read.length).toBeGreaterThan(60_000);
  expect(read.length).toBeLessThan(4_000_000);
});

test("who writes without end is ended", async () => {
  const error = await thrown(run(request("yes", { maxOutput: 1_000_000 })));
  if (!(error instanceof OutputError))
    throw new Error(`expected an OutputError, received ${error}`);
  expect(error).toMatchObject({ stream: "stdout", limit: 1_000_000 });
  expect(containers()).toEqual([]);
  const just = await run(request("head -c 5 /dev/zero", { maxOutput: 5 }));
  expect(just.stdout.length).toBe(5);
});

test("a program that closes its standard input does its caller no harm", async () => {
  const container = await start(request("exec 0<&-; echo ready; sleep 0.3", { stdin: "pipe" }));
  await new Promise((told) => container.stdout?.once("data", told));
  for (let i = 0; i < 10; i++) {
    container.stdin?.write("x".repeat(100_000));
    await sleep(10);
  }
  expect(await container.ended).toMatchObject({ exitCode: 0 });
});

test("run has nobody who could write to a pipe", async () => {
  expect(await thrown(run(request("cat", { stdin: "pipe" })))).toBeInstanceOf(WishError);
});

test("what was taken for a plan that is not carried out is given back", async () => {
  const caller = new AbortController();
  let released = 0;
  const given = runPrepared({ signal: caller.signal }, async () => {
    caller.abort();
    const plan = { version: 1, steps: [] } as const;
    return { id: "none", plan, warnings: [], release: () => released++ };
  });
  expect(await thrown(given)).toBe(caller.signal.reason);
  expect(released).toBe(1);
});

test("a container that was to be kept is not, when its start was given up", async () => {
  for (const after of [0, 5, 10]) {
    const signal = AbortSignal.timeout(after);
    const error = await thrown(run(request("sleep 60", { rm: false, signal })));
    if (error === null) continue; // it ran by then, and is kept
    expect(error).toBe(signal.reason);
    expect(containers()).toEqual([]);
  }
  const roots = { dataRoot: join(root, "data"), runRoot: join(root, "run") };
  for (const { id } of await listContainers(roots)) {
    await removeContainer((await readContainer(roots, id)) as Container, roots, {
      force: true,
      volumes: true,
    });
  }
  const failed = await thrown(run(request("", { rm: false, command: ["sleeep"] })));
  const [kept] = await listContainers(roots);
  expect(kept).toMatchObject({ status: "created", error: (failed as Error).message });
});

test("as many starts as there are descriptors; the others say that there are none", () => {
  const script = join(root, "crowd.ts");
  const roots = JSON.stringify(request("").roots);
  writeFileSync(
    script,
    `import { run } from ${JSON.stringify(join(import.meta.dir, "../src/mod.ts"))};
     const request = { image: "busybox", network: "none", command: ["true"], roots: ${roots} } as const;
     const all = await Promise.allSettled(Array.from({ length: 40 }, () => run(request)));
     const words = all.map((each) => (each.status === "fulfilled" ? "ran" : each.reason.message));
     const short = words.map((word) => (word.includes("EMFILE") ? "EMFILE" : word));
     console.log(JSON.stringify([...new Set(short)].sort()));
     console.log((await run(request)).exitCode);`,
  );
  const limited = ["sh", "-c", 'ulimit -n 90; exec "$0" "$1"', process.execPath, script];
  const { stdout, stderr } = Bun.spawnSync(limited, { timeout: 30_000 });
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toBe('["EMFILE","ran"]\n0\n');
});
