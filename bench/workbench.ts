// Where the benchmark runs: a private mount namespace with a directory, cgroups and
// state directories of its own, and the list of what to undo.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { command } from "./command.ts";
import { kill } from "./process-tree.ts";

/** Undoes, last first, what was done; tells of a failure and goes on. Runs once. */
export class Cleanup {
  readonly #steps: { what: string; undo: () => void }[] = [];

  add(what: string, undo: () => void): void {
    this.#steps.push({ what, undo });
  }

  run(): void {
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        step.undo();
      } catch (error) {
        process.stderr.write(`bench: ${step.what}: ${error}\n`);
      }
    }
  }
}

export interface Workbench {
  /** The directory in which everything is made, on a disk unless --dir said otherwise. */
  readonly dir: string;
  /** A directory in each cgroup v1 hierarchy, under which containers get theirs. */
  readonly cgroups: readonly string[];
  /** Its path within each hierarchy, such as `/pivot-bench-17`. */
  readonly cgroupPath: string;
  readonly cleanup: Cleanup;
}

const outerNamespace = "PIVOT_BENCH_OUTER_NAMESPACE";

/**
 * Replaces this process by itself in a mount namespace from which nothing propagates,
 * and returns when it is there. All mounts of the benchmark end with the process.
 */
export function enterPrivateMountNamespace(): void {
  const current = readlinkSync("/proc/self/ns/mnt");
  const outer = process.env[outerNamespace];
  if (outer !== undefined && outer !== current) return;
  if (process.getuid?.() !== 0) throw new Error("the benchmark makes namespaces and mounts: root");
  const unshare = Bun.which("unshare");
  if (unshare === null || process.execve === undefined) {
    throw new Error("the benchmark needs the unshare program and process.execve");
  }
  process.execve(
    unshare,
    [unshare, "--mount", "--propagation", "private", process.execPath, ...process.argv.slice(1)],
    { ...process.env, [outerNamespace]: current },
  );
}

/** Sets the workbench up under `parent`. What is made is undone by `cleanup`. */
export function makeWorkbench(parent = tmpdir(), cleanup = new Cleanup()): Workbench {
  const dir = mkdtempSync(join(parent, "pivot-bench-"));
  cleanup.add(`remove ${dir}`, () => rmSync(dir, { recursive: true, force: true }));
  cleanup.add(`unmount what is under ${dir}`, () => unmountUnder(dir));
  // Runtimes keep their state in /run and locks in /dev/shm; neither shall remain.
  command(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"]);
  command(["mount", "-t", "tmpfs", "-o", "mode=1777", "shm", "/dev/shm"]);
  const cgroupPath = `/${basename(dir)}`;
  const cgroups = mountCgroupHierarchies().map((hierarchy) => hierarchy + cgroupPath);
  for (const path of cgroups) {
    mkdirSync(path);
    cleanup.add(`remove ${path}`, () => removeCgroup(path));
    // A new cpuset is empty, and nothing can join it; its children shall not be.
    if (existsSync(join(path, "cpuset.cpus"))) inheritCpuset(path);
  }
  return { dir, cgroups, cgroupPath, cleanup };
}

/** Puts an empty directory of the workbench in the place of `path`, for this namespace. */
export function hideDirectory({ dir, cleanup }: Workbench, path: string): void {
  if (!existsSync(path)) {
    mkdirSync(path);
    cleanup.add(`remove ${path}`, () => rmdirSync(path));
  }
  const substitute = join(dir, path.replaceAll("/", "_"));
  mkdirSync(substitute);
  command(["mount", "--bind", substitute, path]);
  cleanup.add(`unmount ${path}`, () => void command(["umount", "-l", path]));
}

function mountInfo(): { target: string; type: string; options: string }[] {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").trim().split("\n");
  return lines.map((line) => {
    // proc_pid_mountinfo(5): optional fields lie between the sixth and a single hyphen.
    const [before = "", after = ""] = line.split(" - ");
    const [type = "", , options = ""] = after.split(" ");
    return { target: before.split(" ")[4] ?? "", type, options };
  });
}

/**
 * Gives /sys/fs/cgroup anew with the v1 hierarchies alone, where there are any, and
 * returns their mount points. A hybrid layout has a v2 hierarchy beside them: crun
 * refuses such a machine, and the others would each treat it in their own way.
 */
function mountCgroupHierarchies(): string[] {
  const hierarchies = mountInfo().filter(({ type }) => type === "cgroup");
  if (hierarchies.length === 0) return [];
  command(["umount", "--recursive", "--lazy", "/sys/fs/cgroup"]);
  command(["mount", "-t", "tmpfs", "-o", "mode=755", "cgroup", "/sys/fs/cgroup"]);
  return hierarchies.map(({ target, options }) => {
    mkdirSync(target);
    const named = options.includes("name=") ? "none," : "";
    const controllers = options.replace(/^rw,/, "");
    command(["mount", "-t", "cgroup", "-o", named + controllers, "cgroup", target]);
    return target;
  });
}

function inheritCpuset(path: string): void {
  for (const file of ["cpuset.cpus", "cpuset.mems"]) {
    writeFileSync(join(path, file), readFileSync(join(path, "..", file)));
  }
  writeFileSync(join(path, "cgroup.clone_children"), "1");
}

/** Removes a cgroup of ours with all below it, and ends what a failed run left in it. */
function removeCgroup(path: string): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) removeCgroup(join(path, entry.name));
  }
  for (const pid of readFileSync(join(path, "cgroup.procs"), "utf8").trim().split("\n")) {
    if (pid !== "") kill(Number(pid));
  }
  for (let attempt = 1; ; attempt++) {
    try {
      return rmdirSync(path);
    } catch (error) {
      // A killed process counts until it is reaped.
      if (attempt === 50) throw error;
      Bun.sleepSync(10);
    }
  }
}

function unmountUnder(dir: string): void {
  const targets = mountInfo().map(({ target }) => target);
  for (const target of targets.filter((path) => path.startsWith(`${dir}/`)).reverse()) {
    command(["umount", "-l", target]);
  }
}
