// How cost grows: the start of one container more beside 1 to 1,000 that run, and of an image of 1 to 100
// layers. In a world of its own (tools/world.sh): npm run bench:growth. The plot is docs/growth.svg.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { tarArchive } from "../src/image/tar-writer.ts";
import { makeImage, writeLayout } from "../src/image/testing/image.ts";
import { dir, file } from "../src/image/testing/members.ts";
import { Store, startsApart } from "./many.ts";
import { type Line, plotSvg } from "./plot.ts";
import { circumstances, markdownTable, ms } from "./report.ts";
import { failInOneLine, progress, publish, worldDirectory } from "./session.ts";
import { median, quantile } from "./statistics.ts";

const usage = `usage: tools/world.sh bun bench/growth.ts [OPTION]...
Starts beside more and more containers, and of images with more and more layers.
  --alive N    containers that run at most (1000)
  --layers N   layers of an image at most (100)
  --rounds N   starts that are timed at each size (25)
  --write      put the table into docs/benchmarks.md, and the plot into docs/growth.svg
`;

const document = join(import.meta.dirname, "../docs/growth.svg");

/** Milliseconds at one size. */
interface Measured {
  readonly size: number;
  readonly times: readonly number[];
}

/** 1, 2, 5, 10, … up to the most, which is the last. */
export function sizes(most: number): number[] {
  const found: number[] = [];
  for (let power = 1; power <= most; power *= 10) {
    for (const factor of [1, 3]) if (factor * power < most) found.push(factor * power);
  }
  return [...found, most];
}

const lineOf = (name: string, measured: readonly Measured[]): Line => ({
  name,
  points: measured.map(({ size, times }) => {
    const ascending = Float64Array.from(times).sort();
    return {
      x: size,
      y: median(times),
      low: quantile(ascending, 0.1),
      high: quantile(ascending, 0.9),
    };
  }),
});

const startTimes = async (store: Store, rounds: number): Promise<number[]> => {
  const times = await store.times(rounds + 2, ["run", "--rm", "busybox", "true"], startsApart);
  return times.slice(2); // warm
};

async function besideOthers(store: Store, most: number, rounds: number) {
  const starts: Measured[] = [];
  const lists: Measured[] = [];
  const memory: { size: number; pss: number }[] = [];
  let running = 0;
  for (const size of sizes(most)) {
    progress(`${size} containers`);
    await store.raise(running, size);
    running = size;
    starts.push({ size, times: await startTimes(store, rounds) });
    lists.push({ size, times: await store.times(Math.min(rounds, 9), ["ps", "-q"]) });
    memory.push({ size, pss: store.monitors().pss });
  }
  await store.clear();
  const after = await startTimes(store, rounds);
  return { starts, lists, memory, after };
}

/** An image of so many layers, each with a file of its own and one that all of them replace. */
function makeLayers(store: Store, count: number): string {
  const busybox = join(store.directory, "busybox");
  const base = tarArchive([
    dir("bin/"),
    { name: "bin/true", mode: 0o755, content: Buffer.from(Bun.mmap(busybox)) },
  ]);
  const above = Array.from({ length: count - 1 }, (_, i) =>
    tarArchive([file(`own-${i}`, String(i)), file("shared", String(i))]),
  );
  const path = join(store.directory, `layout-${count}`);
  writeLayout(path, makeImage([base, ...above].map((tar) => ({ tar }))));
  const name = `layers:${count}`;
  store.run("image", "copy", "-q", `oci:${path}`, name);
  return name;
}

async function ofLayers(store: Store, most: number, rounds: number) {
  store.run("run", "--name", "source", "busybox", "true");
  store.run("cp", "source:/bin/busybox", join(store.directory, "busybox"));
  store.run("rm", "source");
  const names = sizes(most).map((size) => ({ size, name: makeLayers(store, size) }));
  const times = new Map<number, number[]>();
  // In turns, so that a slow moment of the machine meets all alike.
  for (let round = -2; round < rounds; round++) {
    for (const { size, name } of names) {
      progress(`${size} layers, round ${round}`);
      const time = await store.time("run", "--rm", name, "/bin/true");
      if (round >= 0) times.set(size, [...(times.get(size) ?? []), time]);
    }
  }
  return [...times].map(([size, all]) => ({ size, times: all }));
}

const rowsOf = (measured: readonly Measured[], more: (size: number) => readonly string[]) =>
  measured.map(({ size, times }) => {
    const ratio = median(times) / median(measured[0]?.times ?? times);
    return [String(size), ms(median(times)), ratio.toFixed(2), ...more(size)];
  });

function number(name: string, text: string, least: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new Error(`--${name} ${text}: a whole number from ${least} is needed`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      alive: { type: "string", default: "1000" },
      layers: { type: "string", default: "100" },
      rounds: { type: "string", default: "25" },
      write: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return void process.stdout.write(usage);
  const world = worldDirectory("bench:growth");
  const about = circumstances();
  const store = new Store(join(world, "growth"));
  mkdirSync(store.directory, { recursive: true });
  const rounds = number("rounds", values.rounds, 3);
  const layers = await ofLayers(store, number("layers", values.layers, 2), rounds);
  const { starts, lists, memory, after } = await besideOthers(
    store,
    number("alive", values.alive, 2),
    rounds,
  );
  progress("");
  const listed = (size: number): string =>
    ms(median(lists.find((each) => each.size === size)?.times ?? []));
  const kept = (size: number): string =>
    (memory.find((each) => each.size === size)?.pss ?? 0).toFixed(0);
  const last = starts.at(-1)?.times ?? [];
  const both = median([...(starts[0]?.times ?? []), ...after]);
  const result = [
    ...about,
    `- ${rounds} starts at each size, medians in milliseconds; \`--net none\``,
    "",
    "![How the time of a start grows with containers and with layers](growth.svg)",
    "",
    markdownTable(
      ["containers that run", "`run --rm`", "of the first", "`ps -q`", "KiB of each monitor (PSS)"],
      rowsOf(starts, (size) => [listed(size), kept(size)]),
    ),
    "",
    `Beside the most of them a start takes ${(median(last) / both).toFixed(2)} times as long as beside ` +
      "one, before and after.",
    "",
    markdownTable(
      ["layers of the image", "`run --rm`", "of the first"],
      rowsOf(layers, () => []),
    ),
    "",
  ].join("\n");
  publish(result, values.write, "bench/growth.ts");
  if (!values.write) return;
  const svg = plotSvg(
    [
      {
        title: "Beside containers that run",
        xLabel: "containers",
        yLabel: "milliseconds, median and 10 to 90 %",
        lines: [lineOf("run --rm", starts), lineOf("ps -q", lists)],
      },
      {
        title: "Layers of the image",
        xLabel: "layers",
        yLabel: "milliseconds, median and 10 to 90 %",
        lines: [lineOf("run --rm", layers)],
      },
    ],
    "How the time of a start grows with the containers that run and with the layers of an image",
  );
  writeFileSync(document, svg);
}

if (import.meta.main) await failInOneLine(main);
