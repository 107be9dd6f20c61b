// Many containers on one store: how they are started, what they take, and how long the next one needs.
// In a world of its own (tools/world.sh), where every process, mount and cgroup is one of ours.

import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.ts";
import { memoryOf } from "./process-tree.ts";

/**
 * Milliseconds in which the kernel has taken a container away, also beside a thousand: a start that comes
 * sooner waits for the lock of all cgroups.
 */
export const startsApart = 50;

/** What there is at a moment. */
export interface Census {
  readonly processes: number;
  readonly mounts: number;
  readonly cgroups: number;
  /** Of all other processes together. */
  readonly descriptors: number;
  /** Names below the store and the state directory, without layers' content and kept plans (64 at most). */
  readonly files: number;
  /** MiB that the kernel says could be had (MemAvailable of proc_meminfo(5)). */
  readonly available: number;
}

const namesIn = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return []; // gone meanwhile
  }
};

const processes = (): string[] => namesIn("/proc").filter((name) => /^\d+$/.test(name));

function countCgroups(): number {
  let count = 0;
  const look = (directory: string): void => {
    for (const name of namesIn(directory)) {
      if (
        name.includes(".") ||
        !lstatSync(`${directory}/${name}`, { throwIfNoEntry: false })?.isDirectory()
      )
        continue;
      count += 1;
      look(`${directory}/${name}`);
    }
  };
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
    if (/ - cgroup2? /.test(line)) look(line.split(" ")[4] ?? "");
  }
  return count;
}

function countFiles(directory: string): number {
  let count = 0;
  for (const name of namesIn(directory)) {
    count += 1;
    const path = `${directory}/${name}`;
    const isDirectory = lstatSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
    if (isDirectory && !/\/(layers\/[0-9a-f]{64}|templates)$/.test(path)) count += countFiles(path);
  }
  return count;
}

/** Networks have a cost of their own, which is netavark's. Bun.spawn hands on what process.env was at first. */
const environment = { ...process.env, PIVOT_NETWORK: "none" };

/** A store of pivot's with the image busybox. */
export class Store {
  readonly #pivot: readonly string[];
  readonly directory: string;

  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    const program = join(import.meta.dirname, "../build/pivot");
    if (!existsSync(program)) throw new Error("build/pivot is not there: tools/setup.sh makes it");
    this.#pivot = [program, "--root", join(directory, "data"), "--runroot", join(directory, "run")];
    this.run("run", "--rm", "busybox", "true");
  }

  words(...words: readonly string[]): string[] {
    return [...this.#pivot, ...words];
  }

  /** Runs a command of pivot to its end, which has to be a success. */
  run(...words: readonly string[]): string {
    return command(this.words(...words), { env: environment, minutes: 5 }).trim();
  }

  /** Milliseconds until it has ended. */
  async time(...words: readonly string[]): Promise<number> {
    const began = performance.now();
    const child = Bun.spawn(this.words(...words), {
      env: environment,
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    });
    const code = await child.exited;
    if (code !== 0) throw new Error(`pivot ${words.join(" ")}: status ${code}`);
    return performance.now() - began;
  }

  /** Times of so many starts to the end, one after the other. */
  async times(count: number, words: readonly string[], pause = 0): Promise<number[]> {
    const all: number[] = [];
    for (let i = 0; i < count; i++) {
      if (pause > 0) await Bun.sleep(pause);
      all.push(await this.time(...words));
    }
    return all;
  }

  /** Every command of the list, so many at once; what went wrong, in a line each. */
  async all(commands: readonly (readonly string[])[], width: number): Promise<string[]> {
    const wrong: string[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      for (let words = commands[next++]; words !== undefined; words = commands[next++]) {
        const child = Bun.spawn(this.words(...words), {
          env: environment,
          stdin: "ignore",
          stdout: "ignore",
          stderr: "pipe",
        });
        const code = await child.exited;
        if (code === 0) continue;
        wrong.push(
          `${words.join(" ")}: ${code}: ${(await new Response(child.stderr).text()).trim()}`,
        );
      }
    };
    await Promise.all(Array.from({ length: width }, worker));
    return wrong;
  }

  /** Containers that stay, up to `count` of them in all. */
  async raise(from: number, count: number): Promise<void> {
    const start = (i: number) => [
      "run",
      "-d",
      "--name",
      `alive-${i}`,
      "busybox",
      "sleep",
      "100000",
    ];
    const commands = Array.from({ length: count - from }, (_, i) => start(from + i));
    const wrong = await this.all(commands, 8);
    if (wrong.length > 0) throw new Error(`${wrong.length} did not start: ${wrong[0]}`);
  }

  /** All of them go. */
  async clear(): Promise<void> {
    const ids = this.run("ps", "-aq", "--no-trunc").split("\n").filter(Boolean);
    for (let i = 0; i < ids.length; i += 50) this.run("rm", "-f", ...ids.slice(i, i + 50));
  }

  census(): Census {
    const all = processes();
    const meminfo = readFileSync("/proc/meminfo", "latin1");
    return {
      processes: all.length,
      mounts: readFileSync("/proc/self/mountinfo", "utf8").split("\n").length,
      cgroups: countCgroups(),
      descriptors: all
        .filter((pid) => pid !== String(process.pid))
        .reduce((sum, pid) => sum + namesIn(`/proc/${pid}/fd`).length, 0),
      files: countFiles(this.directory),
      available: Number(/MemAvailable: +(\d+)/.exec(meminfo)?.[1] ?? 0) / 1024,
    };
  }

  /** KiB of proportional memory of each monitor, and its descriptors, on average over some of them. */
  monitors(most = 20): { readonly pss: number; readonly descriptors: number } {
    const runs = namesIn(join(this.directory, "run")).filter((name) => /^[0-9a-f]{64}$/.test(name));
    const pids = runs.slice(0, most).map((id) => {
      const path = join(this.directory, "run", id, "monitor");
      return Number.parseInt(readFileSync(path, "latin1"), 10);
    });
    const sum = (of: (pid: number) => number) => pids.reduce((total, pid) => total + of(pid), 0);
    return {
      pss: sum((pid) => memoryOf(pid).pss) / pids.length,
      descriptors: sum((pid) => namesIn(`/proc/${pid}/fd`).length) / pids.length,
    };
  }
}
