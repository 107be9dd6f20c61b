/** `pivot stats`: what containers use, once or again and again. */

import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import type { Roots } from "../container/roots.ts";
import { findContainer } from "../engine/find.ts";
import { cpuPercent, type Sample, takeSample } from "../engine/measure.ts";
import { type Container, listContainers } from "../engine/status.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { writeAll } from "../host/write.ts";
import { type Flag, isOn, type ParsedArguments } from "./arguments.ts";
import type { Globals } from "./command.ts";
import { engineRoots } from "./each-container.ts";
import { binarySize, humanSize, shortId } from "./human.ts";
import { formatFlag, noTruncFlag, readListing } from "./listing-flags.ts";
import { type Column, formatRows } from "./output.ts";

export const statsFlags: readonly Flag[] = [
  { name: "all", short: "a", help: "those too that do not run" },
  formatFlag,
  { name: "no-stream", help: "print once, and end" },
  noTruncFlag,
];

type Row = {
  readonly container: Container;
  readonly before: Sample | null;
  readonly now: Sample | null;
};

const percent = (value: number): string => `${value.toFixed(2)}%`;

/** docker's word for what it cannot know; a container that does not run uses nothing. */
const isUnknown = (now: Sample | null): boolean => now?.counted === false;

const pair = (one: string, other: string): string => `${one} / ${other}`;

const memoryPercent = ({ memory, memoryLimit }: Sample): number =>
  memoryLimit === 0 ? 0 : (memory / memoryLimit) * 100;

const columns: readonly Column<Row>[] = [
  {
    name: "ID",
    header: "CONTAINER ID",
    value: ({ container: { id } }, { noTrunc }) => (noTrunc ? id : shortId(id)),
  },
  { name: "Name", header: "NAME", value: ({ container }) => container.name },
  {
    name: "CPUPerc",
    header: "CPU %",
    value: ({ before, now }) => (isUnknown(now) ? "--" : percent(cpuPercent(before, now))),
  },
  {
    name: "MemUsage",
    header: "MEM USAGE / LIMIT",
    value: ({ now }) =>
      isUnknown(now)
        ? pair("--", "--")
        : pair(binarySize(now?.memory ?? 0), binarySize(now?.memoryLimit ?? 0)),
  },
  {
    name: "MemPerc",
    header: "MEM %",
    value: ({ now }) => (isUnknown(now) ? "--" : percent(now === null ? 0 : memoryPercent(now))),
  },
  {
    name: "NetIO",
    header: "NET I/O",
    value: ({ now }) => pair(humanSize(now?.received ?? 0, 3), humanSize(now?.sent ?? 0, 3)),
  },
  {
    name: "BlockIO",
    header: "BLOCK I/O",
    value: ({ now }) =>
      isUnknown(now)
        ? pair("--", "--")
        : pair(humanSize(now?.read ?? 0, 3), humanSize(now?.written ?? 0, 3)),
  },
  { name: "PIDs", header: "PIDS", value: ({ now }) => String(now?.processes ?? 0) },
  {
    name: "Container",
    header: "CONTAINER",
    hidden: true,
    value: ({ container }) => container.name,
  },
];

/** Milliseconds between two looks, and before the only one. */
const period = 1000;
const firstPeriod = 400;

/** @throws NoSuchContainerError */
async function chosen(words: readonly string[], roots: Roots, all: boolean): Promise<Container[]> {
  if (words.length > 0) return Promise.all(words.map((word) => findContainer(roots, word)));
  const containers = await listContainers(roots);
  return containers.filter(({ process }) => all || process !== null);
}

/** From the top left on; what is left of longer lines, and below, is cleared. */
const overScreen = (text: string): string =>
  `\u001b[H${text.replaceAll("\n", "\u001b[K\n")}\u001b[J`;

export async function statsCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const roots = engineRoots(globals);
  const listing = readListing(given);
  const layout = readCgroupLayout();
  const isOnce = isOn(given, "no-stream");
  const isScreen = !isOnce && isatty(1);
  const before = new Map<string, Sample | null>();
  let isFirst = true;
  for (;;) {
    const containers = await chosen(given.words, roots, isOn(given, "all"));
    const rows = containers.map((container) => ({
      container,
      before: before.get(container.id) ?? null,
      now: takeSample(container, layout),
    }));
    before.clear();
    for (const { container, now } of rows) before.set(container.id, now);
    // One look alone says nothing of the CPU.
    if (!isFirst) {
      const text = formatRows(rows, columns, listing);
      if (!writeAll(1, isScreen ? overScreen(text) : text) || isOnce) return 0;
    } else if (isScreen) {
      writeAll(1, "\u001b[2J");
    }
    await sleep(isFirst ? firstPeriod : period);
    isFirst = false;
  }
}
