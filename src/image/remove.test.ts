/** What crashed imports leave, and layers that go. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { patience } from "../../test/patience.ts";
import { removeLayer, removeTemporaries, staleTemporaries } from "./remove.ts";
import { openStore } from "./store.ts";
import { isStale, startTimeOf, temporaryName } from "./temporary.ts";
import { dropDirectory, makeDirectory, unpackerOptions } from "./testing/fixture.ts";

test("a name is stale when its process is gone, or another has its pid", async () => {
  const own = temporaryName();
  expect(isStale(own)).toBe(false);
  expect(own).not.toBe(temporaryName());
  const start = Number(startTimeOf("self"));
  expect(isStale(`.tmp-${process.pid}-${start - 1}-ab`)).toBe(true);
  expect(isStale(".tmp-1-1-ab")).toBe(startTimeOf(1) !== "1");
  const child = spawn("sleep", ["60"]);
  const name = `.tmp-${child.pid}-${startTimeOf(child.pid ?? 0)}-ab`;
  expect(isStale(name)).toBe(false);
  child.kill("SIGKILL");
  await once(child, "exit");
  expect(isStale(name)).toBe(true);
  for (const other of ["x", ".tmp-", ".tmp-a-b-c", ".tmp-1-2-../x", `${"f".repeat(64)}`])
    expect(isStale(other)).toBe(false);
});

describe("removing", () => {
  let directory = "";
  beforeAll(() => {
    directory = makeDirectory();
    unpackerOptions();
  }, 60_000 * patience);
  afterAll(() => dropDirectory(directory));

  test("stale temporaries go, living ones and all else stay", async () => {
    const store = openStore(`${directory}/store`);
    expect(await staleTemporaries(store)).toEqual([]);
    const dead = `.tmp-${process.pid}-1-ab`;
    const living = temporaryName();
    for (const path of ["", "/blobs/sha256", "/refs", "/layers"])
      mkdirSync(store.root + path, { recursive: true });
    for (const name of [dead, living, "f".repeat(64)]) {
      mkdirSync(`${store.root}/layers/${name}/deep/er`, { recursive: true });
      symlinkSync(directory, `${store.root}/layers/${name}/deep/link`);
      writeFileSync(`${store.root}/blobs/sha256/${name}`, "x");
      writeFileSync(`${store.root}/refs/${name}`, "x");
      writeFileSync(`${store.root}/${name}`, "x");
    }
    const stale = await staleTemporaries(store);
    expect(stale).toEqual(
      ["", "blobs/sha256/", "layers/", "refs/"].map((d) => `${store.root}/${d}${dead}`),
    );
    await removeTemporaries(stale, unpackerOptions());
    await removeTemporaries(stale, unpackerOptions());
    expect(await staleTemporaries(store)).toEqual([]);
    for (const path of ["layers", "blobs/sha256", "refs"]) {
      expect(readdirSync(`${store.root}/${path}`).sort()).toEqual([living, "f".repeat(64)].sort());
    }
    expect(existsSync(`${store.root}/layers/${living}/deep/er`)).toBe(true);
    expect(existsSync(directory)).toBe(true);
  });

  test("a layer", async () => {
    const store = openStore(`${directory}/store`);
    expect(await removeLayer(store, "f".repeat(64), unpackerOptions())).toBe(true);
    expect(await removeLayer(store, "f".repeat(64), unpackerOptions())).toBe(false);
    expect(readdirSync(`${store.root}/layers`)).toHaveLength(1);
  });
});
