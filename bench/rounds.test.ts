import { expect, test } from "bun:test";
import { Costs, interleaved } from "./rounds.ts";
import { seededRandom } from "./statistics.ts";

const rounds = (interrupted = new AbortController().signal) => ({
  rounds: 3,
  warmup: 1,
  random: seededRandom(2),
  interrupted,
});

test("every item has its turn in each round, those to warm up before zero", async () => {
  const seen: string[] = [];
  const note = async (item: string, round: number) => void seen.push(`${round}${item}`);
  const left = await interleaved(["a", "b", "c"], rounds(), note, () => {});
  expect(left).toEqual(["a", "b", "c"]);
  const byRound = [0, 3, 6, 9].map((from) => seen.slice(from, from + 3).toSorted());
  expect(byRound).toEqual(
    [-1, 0, 1, 2].map((round) => ["a", "b", "c"].map((each) => round + each)),
  );
  const orders = new Set(
    [0, 3, 6, 9].map((from) =>
      seen
        .slice(from, from + 3)
        .map((s) => s.at(-1))
        .join(""),
    ),
  );
  expect(orders.size).toBeGreaterThan(1);
});

test("an item that fails is told of once, and left out from then on", async () => {
  const turns = new Map<string, number>();
  const told: string[] = [];
  const left = await interleaved(
    ["a", "b"],
    rounds(),
    async (item, round) => {
      turns.set(item, (turns.get(item) ?? 0) + 1);
      if (item === "b" && round === 1) throw new Error("broken");
    },
    (item, { message }, round) => told.push(`${item} ${message} ${round}`),
  );
  expect(left).toEqual(["a"]);
  expect(told).toEqual(["b broken 1"]);
  expect([...turns]).toContainEqual(["a", 4]);
  expect([...turns]).toContainEqual(["b", 3]);
});

test("an interrupt ends it before the next turn", async () => {
  const interrupt = new AbortController();
  let turns = 0;
  const once = async () => {
    turns += 1;
    interrupt.abort(new Error("ended by SIGINT"));
  };
  const all = interleaved(["a", "b"], rounds(interrupt.signal), once, () => {});
  await expect(all).rejects.toThrow("ended by SIGINT");
  expect(turns).toBe(1);
});

test("costs of several runs add up, but for the memory of the largest process", () => {
  const run = { index: 0, startNs: 0, wallNs: 1, settledNs: 1, status: 0 };
  const costs = new Costs();
  costs.add(7, [
    { ...run, userUs: 1000, sysUs: 500, maxRssKb: 10 },
    { ...run, userUs: 2000, sysUs: 0, maxRssKb: 30 },
  ]);
  costs.add(8, [{ ...run, userUs: 1, sysUs: 1, maxRssKb: 20 }]);
  expect(costs.times).toEqual([7, 8]);
  expect(costs.cpu).toEqual([3.5, 0.002]);
  expect(costs.peakRss).toBe(30);
});
