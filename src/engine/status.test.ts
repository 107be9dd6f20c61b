import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { Described } from "../container/record.ts";
import { whenTidied } from "./act.ts";
import { keepContainer, noteStart } from "./kept.ts";
import { type Container, exitFile, isAlive, readContainer, shownStatus } from "./status.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-status-`);
const roots = { dataRoot: `${directory}/data`, runRoot: `${directory}/run` };
afterAll(() => rmSync(directory, { recursive: true }));

test("a container's cgroups are those of the start that it is in", async () => {
  const id = "c".repeat(64);
  const first = `${directory}/cgroup-of-the-first-start`;
  const second = `${directory}/cgroup-of-the-second-start`;
  const record = { version: 2, id, name: "web", dataRoot: roots.dataRoot, cgroups: [first] };
  mkdirSync(roots.dataRoot);
  await keepContainer({ ...record, created: 1 } as unknown as Described);
  const cgroups = async () => (await readContainer(roots, id))?.record.cgroups;
  // It does not run: nothing else is known.
  expect(await cgroups()).toEqual([first]);
  mkdirSync(`${roots.runRoot}/${id}`, { recursive: true });
  expect(await cgroups()).toEqual([first]);
  const state = `${roots.runRoot}/${id}/state.json`;
  writeFileSync(state, JSON.stringify({ ...record, cgroups: [second] }));
  expect(await cgroups()).toEqual([second]);
  // One that is there is its own.
  mkdirSync(first);
  expect(await cgroups()).toEqual([first]);
});

test("what has ended and is not started again is told as ended while its monitor tidies up", () => {
  const of = (change: object): Container =>
    ({
      status: "restarting",
      process: null,
      record: { engine: null },
      started: 1000,
      restarts: 0,
      end: { code: 0, outOfMemory: false, at: 2000 },
      ...change,
    }) as unknown as Container;
  const policy = (name: string) => ({ record: { engine: { restart: { name, retries: 0 } } } });
  expect(shownStatus(of({}))).toBe("exited");
  expect(shownStatus(of(policy("no")))).toBe("exited");
  expect(shownStatus(of(policy("on-failure")))).toBe("exited");
  expect(shownStatus(of(policy("always")))).toBe("restarting");
  // An end before this start is another run's; one that nobody has noted is no end.
  expect(shownStatus(of({ started: 3000 }))).toBe("restarting");
  expect(shownStatus(of({ end: null }))).toBe("restarting");
  expect(shownStatus(of({ status: "running" }))).toBe("running");
});

test("a monitor that tidies up after an end is waited for, and what it leaves is as it is then", async () => {
  const id = "d".repeat(64);
  const own = `${roots.runRoot}/${id}`;
  const record = { version: 2, id, name: "ended", dataRoot: roots.dataRoot, cgroups: [] };
  await keepContainer({ ...record, created: 1, engine: null } as unknown as Described);
  await noteStart(roots.dataRoot, id);
  mkdirSync(own, { recursive: true });
  mkdirSync(`${roots.dataRoot}/containers/${id}`, { recursive: true });
  writeFileSync(exitFile(roots, id), "3\n");
  // This process stands for the monitor.
  const began = readFileSync("/proc/self/stat", "latin1")
    .replace(/^.*\) /s, "")
    .split(" ")[19];
  writeFileSync(`${own}/monitor`, `${process.pid} ${began}`);
  const found = await readContainer(roots, id);
  if (found === null) throw new Error("it is not there");
  expect([found.status, shownStatus(found), isAlive(found)]).toEqual([
    "restarting",
    "exited",
    true,
  ]);
  const tidied = whenTidied(found, roots);
  setTimeout(() => rmSync(own, { recursive: true }), 100);
  expect((await tidied)?.status).toBe("exited");
});
