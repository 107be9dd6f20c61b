// Load: starts in sequence, at once, beside many that run, and many commands on one store. Nothing may
// grow with what is over, and all that was asked for has to happen. In a world of its own: npm run
// test:load.

import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Census, Store, startsApart } from "../../bench/many.ts";
import { circumstances, markdownTable, ms } from "../../bench/report.ts";
import { failInOneLine, progress, publish } from "../../bench/session.ts";
import { median } from "../../bench/statistics.ts";

const usage = `usage: npm run test:load -- [OPTION]...
  --runs N       containers one after the other (10000)
  --at-once N    containers that start at the same time (200)
  --alive N      containers that run together (1000)
  --crowd N      commands on one store, 64 at a time (2000)
  --rounds N     starts that are timed beside those that run (25)
  --write        put the table into docs/benchmarks.md
The exit status is 1 when something grew, failed, or took too long.
`;

/** How many times longer a start may take beside the most containers than beside one. */
const slowest = 1.3;
/** The same of starts one right after the other: the kernel is still taking the one before away. */
const slowestInARow = 1.5;
const one = ["run", "--rm", "busybox", "true"] as const;

interface Row {
  readonly what: string;
  readonly seen: string;
  readonly isGood: boolean;
}

/** What is more than before, in words; empty: nothing. Memory is the machine's, which has other uses. */
function grown(before: Census, after: Census): string[] {
  const counts = ["processes", "mounts", "cgroups", "descriptors", "files"] as const;
  return counts
    .filter((each) => after[each] > before[each])
    .map((each) => `${after[each] - before[each]} more ${each}`);
}

/** The kernel takes a moment to end what was killed. */
async function settled(store: Store, before: Census): Promise<string[]> {
  let more = grown(before, store.census());
  for (let i = 0; i < 60 && more.length > 0; i++) {
    await Bun.sleep(100);
    more = grown(before, store.census());
  }
  return more;
}

const flat = (what: string, more: readonly string[], lost: number): Row => ({
  what: `what is left after ${what}`,
  seen: `${more.length === 0 ? "nothing" : more.join(", ")}; ${lost.toFixed(0)} MiB less memory`,
  isGood: more.length === 0,
});

async function sequence(store: Store, runs: number): Promise<Row[]> {
  const before = store.census();
  const times: number[] = [];
  const began = performance.now();
  for (let i = 0; i < runs; i++) {
    times.push(await store.time(...one));
    if (i % 50 === 0) progress(`${i} of ${runs} runs`);
  }
  const seconds = (performance.now() - began) / 1000;
  const more = await settled(store, before);
  const tenth = Math.max(1, Math.floor(runs / 10));
  const [first, last] = [median(times.slice(0, tenth)), median(times.slice(-tenth))];
  return [
    {
      what: `${runs} runs in sequence`,
      seen: `${seconds.toFixed(0)} s; median of the first tenth ${ms(first)} ms, of the last ${ms(last)} ms`,
      isGood: last < first * 2,
    },
    flat("them", more, before.available - store.census().available),
  ];
}

async function atOnce(store: Store, count: number): Promise<Row[]> {
  const before = store.census();
  const began = performance.now();
  const wrong = await store.all(
    Array.from({ length: count }, () => one),
    count,
  );
  const seconds = (performance.now() - began) / 1000;
  const more = await settled(store, before);
  return [
    {
      what: `${count} runs at once`,
      seen: `${seconds.toFixed(1)} s; ${wrong.length} failed${wrong[0] === undefined ? "" : `: ${wrong[0]}`}`,
      isGood: wrong.length === 0,
    },
    flat("them", more, before.available - store.census().available),
  ];
}

interface Starts {
  readonly apart: readonly number[];
  readonly inARow: readonly number[];
}

const starts = async (store: Store, rounds: number): Promise<Starts> => ({
  apart: await store.times(rounds, one, startsApart),
  inARow: await store.times(rounds, one),
});

/** @param before,after beside one: the machine may have got slower or faster meanwhile */
function beside(
  how: keyof Starts,
  what: string,
  bound: number,
  [before, many, after]: readonly [Starts, Starts, Starts],
): Row {
  const ratio = median(many[how]) / median([...before[how], ...after[how]]);
  return {
    what,
    seen:
      `${ms(median(many[how]))} ms; beside one ${ms(median(before[how]))} before and ` +
      `${ms(median(after[how]))} after: ${ratio.toFixed(2)} times, at most ${bound}`,
    isGood: ratio <= bound,
  };
}

async function alive(store: Store, count: number, rounds: number): Promise<Row[]> {
  const before = store.census();
  await store.raise(0, 1);
  const few = await starts(store, rounds);
  const oneRuns = store.census();
  const began = performance.now();
  await store.raise(1, count);
  const seconds = (performance.now() - began) / 1000;
  progress(`${count} containers run`);
  const many = await starts(store, rounds);
  const all = store.census();
  const { pss, descriptors } = store.monitors(count);
  const listed = store.run("ps", "-q").split("\n").length;
  const each = (field: "processes" | "cgroups" | "files") =>
    ((all[field] - oneRuns[field]) / (count - 1)).toFixed(1);
  const ending = performance.now();
  await store.clear();
  const ended = (performance.now() - ending) / 1000;
  const more = await settled(store, before);
  await store.raise(0, 1);
  const again = await starts(store, rounds);
  await store.clear();
  const measured = [few, many, again] as const;
  return [
    {
      what: `${count} containers together`,
      seen: `started in ${seconds.toFixed(0)} s, ended in ${ended.toFixed(0)} s; \`ps\` lists ${listed}`,
      isGood: listed === count,
    },
    beside("apart", "a start beside them", slowest, measured),
    beside("inARow", "starts beside them, one right after the other", slowestInARow, measured),
    {
      what: "what each of them takes",
      seen:
        `${each("processes")} processes, ${each("cgroups")} cgroups, ${each("files")} files, ` +
        `${((oneRuns.available - all.available) / (count - 1)).toFixed(2)} MiB; ` +
        `its monitor ${pss.toFixed(0)} KiB (PSS) and ${descriptors.toFixed(0)} descriptors`,
      isGood: true,
    },
    {
      what: "mounts of the host beside them",
      seen: `${all.mounts - oneRuns.mounts} more than beside one`,
      isGood: all.mounts <= oneRuns.mounts,
    },
    flat("them", more, before.available - store.census().available),
  ];
}

/** The suite of storms, with its own checks: pull, load, run, commit, rm and prune by chance. */
function crowd(count: number): Row[] {
  const began = performance.now();
  const file = join(import.meta.dirname, "../engine/storm.engine.ts");
  const { status, stderr } = spawnSync(
    process.execPath,
    ["test", "--timeout", "900000", file, "-t", "a crowd"],
    {
      env: { ...process.env, PIVOT_CROWD: String(count), PIVOT_NETWORK: "none" },
      encoding: "utf8",
    },
  );
  const seconds = (performance.now() - began) / 1000;
  const outcome =
    /(\d+) pass/.exec(stderr)?.[1] === "1" ? "all done or refused in words" : "failed";
  const isGood = status === 0 && outcome !== "failed";
  if (!isGood) process.stderr.write(stderr);
  return [
    {
      what: `${count} commands on one store, 64 at a time`,
      seen: `${seconds.toFixed(0)} s; ${outcome}`,
      isGood,
    },
  ];
}

function number(name: string, text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && value !== 1) return value;
  throw new Error(`--${name} ${text}: 0 (to leave it out), or a whole number from 2 is needed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "10000" },
      "at-once": { type: "string", default: "200" },
      alive: { type: "string", default: "1000" },
      crowd: { type: "string", default: "2000" },
      rounds: { type: "string", default: "25" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const world = process.env["PIVOT_WORLD"];
  if (world === undefined) throw new Error("run it by tools/world.sh: npm run test:load");
  const about = circumstances();
  const store = new Store(join(world, "load"));
  await store.raise(0, 1); // the database, the directories: what stays for good
  await store.clear();
  const rows: Row[] = [];
  const runs = number("runs", values.runs);
  const together = number("at-once", values["at-once"]);
  const most = number("alive", values.alive);
  const commands = number("crowd", values.crowd);
  if (runs > 0) rows.push(...(await sequence(store, runs)));
  if (together > 0) rows.push(...(await atOnce(store, together)));
  if (most > 0)
    rows.push(...(await alive(store, most, Math.max(3, number("rounds", values.rounds)))));
  if (commands > 0) rows.push(...crowd(commands));
  progress("");
  const table = markdownTable(
    ["load", "seen", "as it should be"],
    rows.map(({ what, seen, isGood }) => [what, seen, isGood ? "yes" : "no"]),
  );
  publish([...about, "", table, ""].join("\n"), values.write, "test/load/run.ts");
  if (rows.some(({ isGood }) => !isGood)) process.exitCode = 1;
}

if (import.meta.main) await failInOneLine(main);
