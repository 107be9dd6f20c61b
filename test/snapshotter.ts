// What every snapshotter has to do: one suite, to be called with each of them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../src/image/blob.ts";
import { ImageError } from "../src/image/error.ts";
import { chainIds } from "../src/image/image-import.ts";
import { tarArchive } from "../src/image/tar-writer.ts";
import { dropDirectory, makeDirectory } from "../src/image/testing/fixture.ts";
import { dir, file, hard, link } from "../src/image/testing/members.ts";
import type { LayerDiff, Snapshotter } from "../src/snapshot/snapshotter.ts";
import { type Outcome, planOf, run, shell } from "./executor-harness.ts";

type Suite = {
  /** In words; undefined: it can run here. */
  readonly whyNot: string | undefined;
  /** A snapshotter with nothing in it, that keeps everything below a directory. */
  readonly make: (directory: string) => Snapshotter;
  readonly kernel: readonly [number, number];
};

const diffOf = (tar: Buffer, packed: Buffer = tar, diffId = digestOf(tar)): LayerDiff => ({
  name: "the layer",
  diffId,
  async *open() {
    for (let at = 0; at < packed.length; at += 1000) yield packed.subarray(at, at + 1000);
  },
});

const base = tarArchive([
  dir("etc/"),
  file("etc/kept", "from below"),
  file("etc/changed", "one"),
  file("etc/removed", "x"),
  dir("d/"),
  file("d/a", "a"),
  { ...file("suid", "#!", { uid: 12, gid: 34 }), mode: 0o4755 },
  hard("etc/second", "etc/kept"),
]);
const middle = tarArchive([
  file("etc/changed", "two"),
  file("etc/.wh.removed"),
  file("d/.wh..wh..opq"),
  file("d/b", "b"),
]);
const top = tarArchive([file("top", "top"), link("to", "/etc/kept"), hard("third", "etc/kept")]);
const tars = [base, middle, top];
const ids = chainIds(tars.map(digestOf));
const id = (i: number): string => ids[i] ?? "";

export function snapshotterSuite(name: string, { whyNot, make, kernel }: Suite): void {
  describe.skipIf(whyNot !== undefined)(`snapshotter ${name}${whyNot ? `: ${whyNot}` : ""}`, () => {
    let directory = "";
    let snapshotter: Snapshotter;
    let roots = 0;

    beforeAll(() => {
      directory = makeDirectory();
      snapshotter = make(`${directory}/store`);
      expect(snapshotter.name).toBe(name);
    });
    afterAll(() => dropDirectory(directory));

    const add = async (i: number, packed?: Buffer): Promise<boolean> => {
      const diff = diffOf(tars[i] ?? base, packed);
      return (await snapshotter.prepare(diff, ids.slice(0, i))).commit(id(i));
    };

    /** What a script sees and does in a root of the first so many layers. */
    async function inRoot(layers: number, script: string): Promise<Outcome> {
      const writable = `${directory}/writable${roots}`;
      const at = `${directory}/root${roots++}`;
      mkdirSync(writable);
      mkdirSync(at);
      const chain = ids.slice(0, layers);
      const { before, steps } = snapshotter.root({
        chainIds: chain,
        writable,
        at,
        facts: { kernel },
      });
      expect(steps.filter(({ op }) => "into" in op && op.into === "root")).toHaveLength(1);
      expect([
        ...before.filter(({ by }) => by !== "parent"),
        ...steps.filter(({ by }) => by !== "init"),
      ]).toEqual([]);
      // The plan is all that has happened yet.
      expect(readdirSync(writable)).toEqual([]);
      const outcome = await run(planOf(shell(`cd ${at} && ${script}`), { before, last: steps }));
      expect(outcome.events.filter(({ kind }) => kind === "failed")).toEqual([]);
      expect(readdirSync(at)).toEqual([]); // mounted for the container alone
      return outcome;
    }

    test("nothing is there at first", async () => {
      expect(await snapshotter.list()).toEqual([]);
      expect(await snapshotter.usage(id(0))).toBeUndefined();
      expect(await snapshotter.remove(id(0))).toBe(false);
    });

    test("a layer is there when it is committed, and only then", async () => {
      const prepared = await snapshotter.prepare(diffOf(base), []);
      expect(await snapshotter.list()).toEqual([]);
      expect(await prepared.commit(id(0))).toBe(true);
      await prepared.abort();
      expect(await snapshotter.list()).toEqual([id(0)]);
    });

    test("one that is given up leaves nothing", async () => {
      const prepared = await snapshotter.prepare(diffOf(top), [id(0)]);
      await prepared.abort();
      await prepared.abort();
      expect(await snapshotter.list()).toEqual([id(0)]);
    });

    test("the second to commit the same layer is told so", async () => {
      expect(await add(0)).toBe(false);
      expect(await snapshotter.list()).toEqual([id(0)]);
    });

    test("layers on layers, compressed or not", async () => {
      expect(await add(1, gzipSync(middle))).toBe(true);
      expect(await add(2, zstdCompressSync(top))).toBe(true);
      expect(await snapshotter.list()).toEqual([...ids].sort());
    });

    test("what a layer takes: the bytes of its own files", async () => {
      expect(await snapshotter.usage(id(0))).toEqual({ bytes: 10 + 3 + 1 + 1 + 2 });
      expect(await snapshotter.usage(id(1))).toEqual({ bytes: 4 });
    });

    test.each([
      ["bytes that are not those that were promised", diffOf(base, base, digestOf(top)), /digest/],
      ["a stream that ends early", diffOf(base, base.subarray(0, 700)), /digest|malformed|end/],
      ["a stream that is no tar", diffOf(Buffer.alloc(2000, 1)), /malformed/],
      ["a name that leads out", diffOf(tarArchive([file("../x")])), /goes up/],
    ] as const)("%s: refused in one line, and nothing is left", async (_, diff, why) => {
      const before = await snapshotter.list();
      const error = await snapshotter.prepare(diff, []).then(
        () => undefined,
        (caught: unknown) => caught,
      );
      expect(error).toBeInstanceOf(ImageError);
      expect((error as ImageError).message).toMatch(why);
      expect((error as ImageError).message).toStartWith("the layer: ");
      expect(await snapshotter.list()).toEqual(before);
    });

    test("a root shows the highest of each file, and what was removed is gone", async () => {
      const one = await inRoot(1, "cat etc/changed etc/removed d/a; stat -c '%a %u:%g' suid");
      expect(one.stdout).toBe("onexa4755 12:34\n");
      const all = await inRoot(3, "cat etc/changed top etc/second third; ls etc d; readlink to");
      expect(all.stdout).toBe(
        "twotopfrom belowfrom belowd:\nb\n\netc:\nchanged\nkept\nsecond\n/etc/kept\n",
      );
    });

    test("what is written in a root stays out of the layers, and of other roots", async () => {
      const wrote = await inRoot(
        3,
        "echo new > etc/changed; rm d/b top; mkdir m; chmod 700 etc; ls",
      );
      expect(wrote.code).toBe(0);
      const other = await inRoot(3, "cat etc/changed top; ls d; stat -c %a etc; ls -d m");
      expect(other.stdout).toBe("twotopb\n755\n");
    });

    test("layers go one by one, the highest first", async () => {
      expect(await snapshotter.remove(id(2))).toBe(true);
      expect(await snapshotter.list()).toEqual([id(0), id(1)].sort());
      expect((await inRoot(2, "cat etc/changed")).stdout).toBe("two");
      expect(await snapshotter.remove(id(1))).toBe(true);
      expect(await snapshotter.remove(id(0))).toBe(true);
      expect(await snapshotter.remove(id(0))).toBe(false);
      expect(await snapshotter.list()).toEqual([]);
      expect(await snapshotter.usage(id(0))).toBeUndefined();
    });

    test("at the end nothing is left in its store", () => {
      const left = readdirSync(`${directory}/store`).flatMap((each) => {
        const path = `${directory}/store/${each}`;
        return statSync(path).isDirectory() ? readdirSync(path) : [each];
      });
      expect(left).toEqual([]);
    });
  });
}
