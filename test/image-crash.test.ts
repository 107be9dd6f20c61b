// A crash or a full disk at any moment loses nothing that was complete; any number of commands work
// on one store at once. PIVOT_CRASHES=500 makes it a long test.

import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import {
  crashes,
  endOf,
  idOf,
  killAll,
  layersOf,
  makeImages,
  start,
  startReading,
  writeLayouts,
} from "./image-crash.ts";
import { patience } from "./patience.ts";
import { Ground, pivotPath, whyNot } from "./pivot.ts";

const ground = new Ground("image-crash");
afterAll(() => ground.close());

const images = makeImages(3, 60);
const imageIds = images.map(idOf);
const layouts = writeLayouts(ground, images);

const copyIn = (i: number, name = `image:${i}`): string[] => [
  "image",
  "copy",
  "-q",
  `oci:${layouts[i]}`,
  name,
];

function ok(...words: string[]): string {
  const { code, stdout, stderr } = ground.pivot(words, { timeout: 60_000 });
  expect({ words, code, stderr }).toEqual({ words, code: 0, stderr: "" });
  return stdout;
}

/** Whatever is found may only be rubbish; what was complete is whole. */
function expectOnlyRubbish(): void {
  const { stdout } = ground.pivot(["system", "check"], { timeout: 60_000 });
  const problems = stdout.split("\n").filter((line) => line.startsWith("problem: "));
  expect(problems.filter((line) => !/belong to no image/.test(line))).toEqual([]);
}

/** After a repair nothing is left but what images need. */
function expectSound(): void {
  ok("system", "check", "--repair");
  expect(ok("system", "check")).toEndWith("all is as it should be\n");
}

const ids = (): string[] => ok("images", "-q", "--no-trunc").trim().split("\n");

describe.skipIf(whyNot !== undefined)(`crashes${whyNot === undefined ? "" : `: ${whyNot}`}`, () => {
  test(`${crashes} commands killed at random moments`, {
    timeout: 120_000 * patience,
  }, async () => {
    ok(...copyIn(0));
    const [before] = ids();
    expect(before).toBe(imageIds[0]);
    const commands = [
      copyIn(1),
      copyIn(2, "image:1"),
      ["rmi", "image:1"],
      ["image", "prune", "-f"],
      ["tag", "image:0", "other:1"],
      ["rmi", "other:1"],
    ];
    for (let i = 0; i < crashes; i++) {
      const child = start(ground, commands[i % commands.length] ?? []);
      await wait(5 + Math.random() * 120);
      killAll(child);
      await endOf(child);
      // The image that was there before is there, and its layers are.
      expect(ids()).toContain(before ?? "");
      if (i % 6 === 5) expectOnlyRubbish();
    }
    expectSound();
    ok(...copyIn(1));
    ok(...copyIn(2));
    expectSound();
    expect(ids().sort()).toEqual(imageIds.toSorted());
  });

  test("one that is interrupted takes away what it began", {
    timeout: 120_000 * patience,
  }, async () => {
    const out = `${ground.directory}/out`;
    mkdirSync(out);
    ok(...copyIn(1));
    ok("save", "-o", `${ground.directory}/all.tar`, "image:1");
    const commands = [
      ["save", "-o", `${out}/saved.tar`, "image:1"],
      ["save", "--format", "oci-dir", "-o", `${out}/saved`, "image:1"],
      ["load", "-i", `${ground.directory}/all.tar`],
      copyIn(2),
      ["import", `${ground.directory}/all.tar`],
    ];
    for (const words of commands) {
      const child = start(ground, words);
      await wait(30 + Math.random() * 60);
      child.kill("SIGTERM");
      const { code, said } = await endOf(child);
      // null: it was not even loaded yet.
      expect([words, [0, 143, null].includes(code), said]).toEqual([words, true, ""]);
    }
    const left = [ground.root, out].flatMap((path) =>
      readdirSync(path, { recursive: true, encoding: "utf8" }),
    );
    expect(left.filter((path) => path.includes(".tmp-"))).toEqual([]);
    expectSound();
  });

  test("one removes while others bring in the same layers", {
    timeout: 120_000 * patience,
  }, async () => {
    for (let round = 0; round < Math.max(2, crashes / 6); round++) {
      const bring = [0, 1, 2].map((i) => start(ground, copyIn(i)));
      const remove = [0, 1, 2].map((i) => start(ground, ["rmi", "-f", `image:${i}`]));
      const prune = start(ground, ["image", "prune", "-a", "-f"]);
      const ends = await Promise.all([...bring, ...remove, prune].map(endOf));
      expect(ends.filter(({ code }) => code !== 0)).toEqual([]);
      // Who brings in last wins; what a name stands for is whole.
      expectOnlyRubbish();
    }
    for (const i of [0, 1, 2]) ok(...copyIn(i));
    expectSound();
    expect(layersOf(ground)).toHaveLength(4);
  });

  test("a container that starts while its image is removed has all of it, or does not start", {
    timeout: 120_000 * patience,
  }, async () => {
    const count = ["/busybox", "sh", "-c", "sleep 0.05; cat /d0/* /d1/* | wc -c"];
    const run = [
      "run",
      "--rm",
      "--pull",
      "never",
      "-v",
      "/bin/busybox:/busybox:ro",
      "image:0",
      ...count,
    ];
    ok(...copyIn(0));
    const whole = ok(...run);
    expect(Number(whole)).toBeGreaterThan(60_000);
    let started = 0;
    for (let round = 0; round < crashes; round++) {
      ok(...copyIn(0));
      const container = startReading(ground, run);
      await wait(Math.random() * 60);
      const removal = start(ground, ["rmi", "-f", "image:0"]);
      const { code, said, printed } = await container;
      expect((await endOf(removal)).code).toBe(0);
      if (code === 0) started += 1;
      if (code === 0) expect(printed).toBe(whole);
      else expect(said).toMatch(/^pivot: .*(no image|no such image|lost its|ENOENT)/);
    }
    expect(started).toBeGreaterThan(0);
    expectOnlyRubbish();
  });

  test("a full disk: one clear line, and what was there is whole", {
    timeout: 120_000 * patience,
  }, () => {
    const root = `${ground.directory}/small`;
    const pivot = `${pivotPath} --root ${root}/data --runroot ${root}/run`;
    const script = `
      set -e
      mkdir -p ${root}; mount -t tmpfs -o size=3m none ${root}
      ${pivot} image copy -q oci:${layouts[0]} image:0
      dd if=/dev/zero of=${root}/rest bs=64k 2>/dev/null || true
      for i in 1 2 3; do
        if ${pivot} image copy -q oci:${layouts[1]} image:1; then echo no failure; fi
      done
      rm ${root}/rest
      ${pivot} system check
      dd if=/dev/zero of=${root}/rest bs=64k 2>/dev/null || true
      ${pivot} rmi image:0 | tail -n 1
      rm ${root}/rest
      ${pivot} image copy -q oci:${layouts[1]} image:1
      ${pivot} images -q --no-trunc
      ${pivot} system check
    `;
    const ran = ground.command(["unshare", "-m", "sh", "-c", script], { timeout: 60_000 });
    const refusals = ran.stderr.split("\n").filter((line) => line !== "");
    expect(refusals).toHaveLength(3);
    for (const line of refusals) expect(line).toMatch(/^pivot: .*(ENOSPC|full)/);
    const [checked, removed, id, again] = ran.stdout.split("\n");
    expect(checked).toMatch(/all is as it should be$/);
    expect(removed).toStartWith("Deleted: sha256:");
    expect(id).toBe(imageIds[1]);
    expect(again).toMatch(/1 image, 2 layers and 4 blobs: all is as it should be$/);
    expect(ran.code).toBe(0);
  });
});
