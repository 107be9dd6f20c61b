/** Who uses and who removes: each sees the other, and those that were killed do not count. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { patience } from "../../test/patience.ts";
import { staleMarks, whileHeld, whileRemoving } from "./hold.ts";
import { openStore, type Store } from "./store.ts";
import { isStale, ownerOf, temporaryName } from "./temporary.ts";

let store: Store;
beforeAll(() => {
  store = openStore(mkdtempSync(`${tmpdir()}/pivot-hold-`));
});
afterAll(() => rmSync(store.root, { recursive: true, force: true }));

const marks = (): string[] =>
  ["use", "removal"].flatMap((name) => readdirSync(`${store.root}/holds/${name}`));
const dead = `.tmp-${process.pid}-1-ab`;

test("one who removes sees what is held, and only that", async () => {
  await whileHeld(store, ["a", "b"], () =>
    whileHeld(store, ["c"], async () => {
      // What we hold ourselves is held as well.
      await whileRemoving(store, async (held) => {
        expect(["a", "b", "c", "d"].map((key) => held.has(key))).toEqual([true, true, true, false]);
      });
    }),
  );
  await whileRemoving(store, async (held) => expect(held.has("a")).toBe(false));
  expect(marks()).toEqual([]);
});

test("one who uses waits for one who removes, and not for another user", async () => {
  const order: string[] = [];
  const begun = Promise.withResolvers<void>();
  const removing = whileRemoving(store, async () => {
    order.push("remove");
    begun.resolve();
    await wait(40 * patience);
    order.push("removed");
  });
  await begun.promise;
  await Promise.all([
    removing,
    whileHeld(store, ["a"], async () => void order.push("use")),
    whileHeld(store, ["a"], async () => void order.push("use")),
  ]);
  expect(order).toEqual(["remove", "removed", "use", "use"]);
});

test("a failure takes the mark away too", async () => {
  const fail = async (): Promise<never> => {
    throw new Error("it failed");
  };
  await expect(whileHeld(store, ["a"], fail)).rejects.toThrow("it failed");
  await expect(whileRemoving(store, fail)).rejects.toThrow("it failed");
  expect(marks()).toEqual([]);
});

test("marks of processes that are gone do not count, and are found", async () => {
  writeFileSync(`${store.root}/holds/use/${dead}`, "a");
  writeFileSync(`${store.root}/holds/removal/${dead}`, "");
  await whileHeld(store, ["b"], () =>
    whileRemoving(store, async (held) => {
      expect([held.has("a"), held.has("b")]).toEqual([false, true]);
    }),
  );
  expect(await staleMarks(store)).toEqual(
    ["use", "removal"].map((name) => `${store.root}/holds/${name}/${dead}`),
  );
});

test("an empty list stands for everything: the disk was full", async () => {
  const name = temporaryName();
  mkdirSync(`${store.root}/holds/use`, { recursive: true });
  writeFileSync(`${store.root}/holds/use/${name}`, "");
  await whileRemoving(store, async (held) => expect(held.has("anything")).toBe(true));
  rmSync(`${store.root}/holds/use/${name}`);
});

test("owners in another PID namespace count as living, those of another boot do not", () => {
  const own = temporaryName();
  expect(ownerOf(own)).toBe(process.pid);
  expect(isStale(own)).toBe(false);
  const [, pid = "", start = ""] = own.split("-").slice(0);
  const [boot = "", namespace = ""] = own.split("-").slice(-2);
  expect(isStale(`.tmp-${pid}-${start}-ab-${boot}-${namespace}`)).toBe(false);
  expect(isStale(`.tmp-${pid}-1-ab-${boot}-${namespace}`)).toBe(true);
  expect(isStale(`.tmp-${pid}-1-ab-${boot}-1`)).toBe(false);
  expect(isStale(`.tmp-${pid}-${start}-ab-00000000-${namespace}`)).toBe(true);
});
