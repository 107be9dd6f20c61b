import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import type { CgroupLayout } from "../planner/facts.ts";
import { oomWatch } from "./oom-watch.ts";

let directory = "";

afterEach(() => {
  if (directory !== "") rmSync(directory, { recursive: true });
  directory = "";
});

/** A cgroup of version 2, made of plain files. */
function makeCgroup(): CgroupLayout {
  directory = mkdtempSync(`${tmpdir()}/pivot-oom-`);
  mkdirSync(`${directory}/a`);
  setKills(0);
  const v2 = {
    mount: directory,
    own: "/",
    controllers: ["memory"],
    enabled: ["memory"],
    options: [],
  };
  return { mode: "v2", v1: [], v2 };
}

const setKills = (kills: number): void =>
  writeFileSync(`${directory}/a/memory.events`, `low 0\noom ${kills}\noom_kill ${kills}\n`);

test("version 2: what is new is told as the file changes, not when the time is over", async () => {
  const layout = makeCgroup();
  const events = oomWatch([`${directory}/a`], layout, new AbortController().signal);
  const start = Date.now();
  for (const kills of [1, 4]) {
    const next = events.next();
    await Bun.sleep(50);
    setKills(kills);
    expect(await next).toEqual({ done: false, value: kills === 1 ? 1 : 3 });
  }
  expect(Date.now() - start).toBeLessThan(1500);
  await events.return();
});

test("it ends with the cgroup", async () => {
  const layout = makeCgroup();
  const next = oomWatch([`${directory}/a`], layout, new AbortController().signal).next();
  await Bun.sleep(50);
  rmSync(`${directory}/a`, { recursive: true });
  expect(await next).toEqual({ done: true, value: undefined });
});

test("it ends when nobody wants to know, and where nothing is counted", async () => {
  const layout = makeCgroup();
  const abort = new AbortController();
  const next = oomWatch([`${directory}/a`], layout, abort.signal).next();
  abort.abort();
  expect(await next).toEqual({ done: true, value: undefined });
  const none = oomWatch([], layout, new AbortController().signal).next();
  expect(await none).toEqual({ done: true, value: undefined });
});
