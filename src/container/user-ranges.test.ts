import { afterAll, expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import {
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { Pool } from "../users/allocate.ts";
import { encodeRecord } from "./record.ts";
import { takeRange } from "./user-ranges.ts";

const directory = mkdtempSync(`${tmpdir()}/pivot-ranges-`);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
function world() {
  const at = `${directory}/${count++}`;
  const roots = { runRoot: `${at}/run`, dataRoot: `${at}/data` };
  mkdirSync(`${roots.runRoot}/userns`, { recursive: true });
  return roots;
}

/** A lease is a link that leads nowhere. */
const isThere = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

const id = (letter: string): string => letter.repeat(64);
const pool: Pool = { ranges: [{ start: 1000, size: 200 }], isDefault: false };
const take = (roots: ReturnType<typeof world>, who: string) =>
  takeRange(roots, who, { uid: 100, gid: 100 }, { uid: [], gid: [] }, { uid: pool, gid: pool });

test("a lease that goes over to a state meanwhile is seen in one of them", async () => {
  const roots = world();
  const lease = `${roots.runRoot}/userns/${id("b")}`;
  symlinkSync("uid 1000 100 gid 1000 100", lease);
  // Who looks reads the state of another container, which keeps it until the start of `b` has come.
  mkdirSync(`${roots.runRoot}/${id("a")}`);
  const state = `${roots.runRoot}/${id("a")}/state.json`;
  expect(spawnSync("mkfifo", [state]).status).toBe(0);
  const script = 'exec 3>"$1" && mkdir "$2" && rm "$3" && printf "{}" >&3';
  const other = spawn("sh", ["-c", script, "sh", state, `${roots.runRoot}/${id("b")}`, lease]);
  const ended = new Promise((resolve) => other.once("exit", resolve));
  const taken = await take(roots, id("c"));
  expect(await ended).toBe(0);
  expect(isThere(lease)).toBe(false);
  expect([taken.uid.start, taken.gid.start]).toEqual([1100, 1100]);
});

test("a lease keeps its ids for a minute, and is taken away then", async () => {
  const roots = world();
  const [young, old] = [id("a"), id("b")].map((who) => `${roots.runRoot}/userns/${who}`);
  if (young === undefined || old === undefined) throw new Error("two paths");
  symlinkSync("uid 1000 50 gid 1000 50", old);
  symlinkSync("uid 1050 50 gid 1050 50", young);
  const minutesAgo = Date.now() / 1000 - 120;
  lutimesSync(old, minutesAgo, minutesAgo);
  expect((await take(roots, id("c"))).uid.start).toBe(1100);
  expect([isThere(old), isThere(young)]).toEqual([false, true]);
});

test("processes that a killed executor has left keep their ids, also in cgroups of their own", async () => {
  const roots = world();
  const cgroup = `${roots.runRoot}/cgroup`;
  const idMappings = {
    uid: [{ containerID: 0, hostID: 1000, size: 100 }],
    gid: [{ containerID: 0, hostID: 1000, size: 100 }],
  };
  mkdirSync(`${cgroup}/below`, { recursive: true });
  writeFileSync(`${cgroup}/cgroup.procs`, "");
  mkdirSync(`${roots.runRoot}/${id("a")}`);
  const record = { version: 2, name: null, cgroups: [cgroup], idMappings, options: {} };
  writeFileSync(`${roots.runRoot}/${id("a")}/state.json`, encodeRecord(record));
  expect((await take(roots, id("b"))).uid.start).toBe(1100);
  rmSync(`${cgroup}/below`, { recursive: true });
  rmSync(`${roots.runRoot}/userns/${id("b")}`);
  expect((await take(roots, id("c"))).uid.start).toBe(1000);
});
