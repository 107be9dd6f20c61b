// Tells when the kernel ends a process of a container because the cgroup's memory is used up.

import { type FSWatcher, watch } from "node:fs";
import { CgroupFiles, hostFiles } from "../host/cgroup-files.ts";
import type { CgroupLayout } from "../planner/facts.ts";

/** How often to look where the kernel does not tell, and where it does, in milliseconds. */
const OFTEN = 100;
const SELDOM = 2000;

/** Where the count of such ends stands. */
type Counter = {
  readonly directory: string;
  readonly file: "memory.oom_control" | "memory.events";
  /** Version 2's file tells inotify(7) when it changes. */
  readonly tells: boolean;
};

function findCounter(directories: readonly string[], { v1, v2 }: CgroupLayout): Counter | null {
  const below = (mount: string | undefined) =>
    directories.find((path) => mount !== undefined && path.startsWith(`${mount}/`));
  const hierarchy = v1.find(({ controllers }) => controllers.includes("memory"));
  const directory = below((hierarchy ?? v2 ?? undefined)?.mount);
  if (directory === undefined) return null;
  return hierarchy === undefined
    ? { directory, file: "memory.events", tells: true }
    : { directory, file: "memory.oom_control", tells: false };
}

/** The count; null once the cgroup is gone. */
function count({ directory, file }: Counter): bigint | null {
  const files = new CgroupFiles(directory, hostFiles);
  return files.has(file) ? (files.table(file)["oom_kill"] ?? 0n) : null;
}

/** Resolves when the file has changed, the time is over, or nobody wants to know any more. */
function nextLook({ directory, file, tells }: Counter, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    let watcher: FSWatcher | undefined;
    const timer = setTimeout(done, tells ? SELDOM : OFTEN);
    function done(): void {
      clearTimeout(timer);
      watcher?.close();
      signal.removeEventListener("abort", done);
      resolve();
    }
    signal.addEventListener("abort", done);
    if (!tells) return;
    try {
      watcher = watch(`${directory}/${file}`, done);
      watcher.on("error", done);
    } catch {
      // Gone, or no more watches to be had: the timer looks.
    }
  });
}

/**
 * Yields each time processes of the container were ended for want of memory: how many, since the last
 * time. Ends when the cgroup is gone or the signal is aborted; at once without a cgroup of memory.
 *
 * @param directories the cgroups that were made for the container, as directories of the host
 */
export async function* oomWatch(
  directories: readonly string[],
  layout: CgroupLayout,
  signal: AbortSignal,
): AsyncGenerator<number, void, void> {
  const counter = findCounter(directories, layout);
  if (counter === null) return;
  let before = count(counter);
  while (before !== null && !signal.aborted) {
    await nextLook(counter, signal);
    const now = signal.aborted ? null : count(counter);
    if (now !== null && now > before) yield Number(now - before);
    before = now;
  }
}
