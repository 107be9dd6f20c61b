/** `events`: what a container uses, once or again and again, and when it runs out of memory. */

import { type Flag, type ParsedArguments, UsageError } from "../cli/arguments.ts";
import { WishError } from "../container/wish-error.ts";
import { readCgroupLayout } from "../host/cgroups.ts";
import { readStats } from "../host/stats.ts";
import { writeAll } from "../host/write.ts";
import { milliseconds } from "../options/duration.ts";
import type { CgroupLayout } from "../planner/facts.ts";
import { writeEvent } from "./event.ts";
import { onlyId, readLast, readSwitch } from "./flags.ts";
import type { Globals } from "./globals.ts";
import { oomWatch } from "./oom-watch.ts";
import { type Container, findContainer, readContainer } from "./record.ts";

export const eventsFlags: readonly Flag[] = [
  { name: "stats", help: "what it uses now, and no more" },
  { name: "interval", value: "DURATION", help: "time between two lines: 5s, 500ms; default 5s" },
];

const cgroupsOf = ({ record }: Container): readonly string[] => record?.cgroups ?? [];

function printStats(container: Container, layout: CgroupLayout): boolean {
  const data = readStats(cgroupsOf(container), layout);
  return writeAll(1, writeEvent({ type: "stats", id: container.id, data }));
}

const isAlive = (container: Container | null): boolean =>
  container !== null && container.status !== "stopped";

async function follow(container: Container, layout: CgroupLayout, root: string, interval: number) {
  const end = new AbortController();
  const timer = setInterval(() => {
    if (!isAlive(readContainer(root, container.id)) || !printStats(container, layout)) end.abort();
  }, interval);
  // Between two lines the container may end too.
  const watch = setInterval(() => {
    if (!isAlive(readContainer(root, container.id))) end.abort();
  }, 250);
  try {
    for await (const kills of oomWatch(cgroupsOf(container), layout, end.signal)) {
      for (let i = 0; i < kills; i++) writeAll(1, writeEvent({ type: "oom", id: container.id }));
    }
    // Without a cgroup of memory there are no such events: the lines go on.
    if (!end.signal.aborted && isAlive(readContainer(root, container.id))) {
      await new Promise<void>((resolve) => {
        end.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  } finally {
    clearInterval(timer);
    clearInterval(watch);
  }
}

export async function eventsCommand(given: ParsedArguments, globals: Globals): Promise<number> {
  const container = findContainer(globals.root, onlyId(given, "pivot-oci events [OPTIONS] ID"));
  const text = readLast(given, "interval") ?? "5s";
  const interval = milliseconds(text);
  if (interval === null || interval <= 0) {
    throw new UsageError(
      `--interval takes a duration such as 5s, received ${JSON.stringify(text)}`,
    );
  }
  if (!isAlive(container)) throw new WishError([`container ${container.id} is not running`]);
  const layout = readCgroupLayout();
  if (readSwitch(given, "stats")) printStats(container, layout);
  else await follow(container, layout, globals.root, interval);
  return 0;
}
