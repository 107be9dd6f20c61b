// An OCI runtime given by its path, and what the rows do with it: roots, bundles, calls.

import { spawn, spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { baseConfig, type Config } from "../oci/config.ts";
import { cgroupsNamed, isAlive, makeRootfs, removeCgroups } from "../oci/ground.ts";
import { patience } from "../patience.ts";
import { compileC } from "../pivot.ts";
import { Session } from "../session.ts";
import { type MountLine, parseMountinfo } from "../sight.ts";
import { Canary } from "./canary.ts";

export type Change = (config: Config) => void;

export type Called = {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
};

/** A container that was created: its first process waits. */
export type Made = { readonly id: string; readonly pid: number; readonly out: string };

export type CallSettings = {
  /** Words before the runtime's. */
  readonly before?: readonly string[];
  /** Milliseconds until it is killed. */
  readonly timeout?: number;
};

/** A runtime, and a directory in which it is tried. */
export class RuntimeWorld {
  readonly name: string;
  readonly path: string;
  /** How often a race is tried. */
  readonly tries: number;
  readonly directory: string;
  readonly #template: string;
  readonly #words: readonly string[];
  readonly #tag: string;
  readonly #alive = new Set<string>();
  #count = 0;

  constructor(path: string, directory: string, tries: number) {
    this.path = path;
    this.tries = tries;
    const version = spawnSync(path, ["--version"], { encoding: "utf8" }).stdout ?? "";
    this.name = /^(?:runc|crun|youki)(?= )/.exec(version)?.[0] ?? "pivot";
    // crun 1.8 refuses cgroup v1 when a v2 is mounted beside it: for it that goes.
    this.#words =
      this.name === "crun" && existsSync("/sys/fs/cgroup/unified")
        ? ["unshare", "-m", "sh", "-c", `umount -l /sys/fs/cgroup/unified; exec "$0" "$@"`, path]
        : [path];
    this.directory = directory;
    this.#template = `${directory}/template`;
    this.#tag = `sec${this.name}${process.pid}`;
    makeRootfs(this.#template);
  }

  /** A fresh path below the world's directory. */
  fresh(name: string): string {
    return `${this.directory}/${name}-${this.#count++}`;
  }

  canary(): Canary {
    return new Canary(this.fresh("outside"));
  }

  /**
   * A fresh root with busybox and the tests' programs.
   *
   * @param links paths from the root, without the first `/`, and what they lead to
   */
  root(links: Readonly<Record<string, string>> = {}): string {
    const root = this.fresh("root");
    for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"]) {
      mkdirSync(`${root}/${name}`, { recursive: true });
    }
    for (const name of ["bin/busybox", "probe", "overwrite", "etc/passwd", "etc/group"]) {
      linkSync(`${this.#template}/${name}`, `${root}/${name}`);
    }
    for (const name of ["sh", "cat", "ls", "sleep", "true", "id"]) {
      symlinkSync("busybox", `${root}/bin/${name}`);
    }
    for (const [path, to] of Object.entries(links)) {
      rmSync(`${root}/${path}`, { recursive: true, force: true });
      symlinkSync(to, `${root}/${path}`);
    }
    return root;
  }

  /** A fresh bundle of a root; its directory. */
  bundle(root: string, change: Change = () => undefined): string {
    const bundle = this.fresh("bundle");
    mkdirSync(bundle);
    const config = baseConfig(root, `/${this.#tag}-${this.#count++}`);
    change(config);
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
    return bundle;
  }

  /** Calls the runtime, and waits for its own end only: a container may hold its streams. */
  call(words: readonly string[], settings: CallSettings = {}): Called & { readonly out: string } {
    const { before = [], timeout = 20_000 } = settings;
    const base = this.fresh("call");
    const out = openSync(`${base}.out`, "a");
    const err = openSync(`${base}.err`, "a");
    const all = [...before, ...this.#words, "--root", `${this.directory}/state`, ...words];
    const [program = "", ...args] = all;
    const { status, error } = spawnSync(program, args, {
      stdio: ["ignore", out, err],
      timeout,
      killSignal: "SIGKILL",
    });
    closeSync(out);
    closeSync(err);
    if (error !== undefined) throw new Error(`${all.join(" ")}: ${error.message}`);
    const read = (kind: string) => readFileSync(`${base}.${kind}`, "utf8");
    return { code: status, stdout: read("out"), stderr: read("err"), out: `${base}.out` };
  }

  #id(): string {
    const id = `${this.#tag}-${this.#count++}`;
    this.#alive.add(id);
    return id;
  }

  /** `create`; why not, when it is refused. */
  create(root: string, change?: Change, flags: readonly string[] = []): Made | string {
    const id = this.#id();
    const file = this.fresh("pid");
    const words = ["create", "--bundle", this.bundle(root, change), "--pid-file", file, ...flags];
    const { code, stderr, out } = this.call([...words, id]);
    if (code === 0) return { id, pid: Number(readFileSync(file, "utf8")), out };
    this.drop(id);
    return stderr.trim() === "" ? `it ended with ${code}` : stderr.trim();
  }

  /** As `create`, for what must be: anything else throws. */
  mustCreate(root: string, change?: Change, flags?: readonly string[]): Made {
    const made = this.create(root, change, flags);
    if (typeof made === "string") throw new Error(`${this.name} made no container: ${made}`);
    return made;
  }

  /** As `mustCreate`, and starts it. */
  mustStart(root: string, change?: Change): Made {
    const made = this.mustCreate(root, change);
    const { code, stderr } = this.call(["start", made.id]);
    if (code !== 0) throw new Error(`${this.name} did not start: ${stderr}`);
    return made;
  }

  /** `run` in the foreground. */
  run(root: string, args: readonly string[], change: Change = () => undefined): Called {
    const id = this.#id();
    const bundle = this.bundle(root, (config) => {
      config.process["args"] = [...args];
      change(config);
    });
    const called = this.call(["run", "--bundle", bundle, id]);
    this.drop(id);
    return called;
  }

  exec(id: string, words: readonly string[], flags: readonly string[] = []): Called {
    return this.call(["exec", ...flags, id, ...words]);
  }

  /** A file's text; empty when there is none. */
  read(path: string): string {
    return existsSync(path) ? readFileSync(path, "latin1") : "";
  }

  /** Any program of the host. */
  command(words: readonly string[]): Called {
    const [program = "", ...args] = words;
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    return { code: status, stdout: stdout ?? "", stderr: stderr ?? "" };
  }

  /** What the kernel says of a container's process, by the host's own procfs. */
  seenBy({ pid }: Made): { readonly domainname: string; readonly oomScoreAdj: string } {
    const words = ["nsenter", "--uts", "--target", String(pid), "cat"];
    return {
      domainname: this.command([...words, "/proc/sys/kernel/domainname"]).stdout.trim(),
      oomScoreAdj: this.read(`/proc/${pid}/oom_score_adj`).trim(),
    };
  }

  /** Calls the runtime at a terminal of its own; all that was on its screen. */
  async atTerminal(words: readonly string[]): Promise<string> {
    const all = [...this.#words, "--root", `${this.directory}/state`, ...words];
    const session = new Session(all, 1000);
    await session.end(10_000);
    return session.screen;
  }

  /** Where a runtime hands a terminal over: somebody who takes it and does nothing. */
  consoleSocket(): { readonly path: string; readonly close: () => void } {
    const path = this.fresh("console");
    const child = spawn(compileC("oci/console-receiver.c"), [path], { stdio: "ignore" });
    for (let i = 0; i < 500 * patience && !existsSync(path); i++) Bun.sleepSync(5);
    return { path, close: () => void child.kill("SIGKILL") };
  }

  /** The cgroups that a container's process is in. */
  cgroupOf({ pid }: Made): string[] {
    return this.read(`/proc/${pid}/cgroup`)
      .split("\n")
      .map((line) => line.split(":").slice(2).join(":"));
  }

  /** Cgroups made by rows that name them badly. */
  cgroupNames(): string[] {
    return cgroupsNamed("out-of-here");
  }

  /** Whether its first process lives. */
  isThere({ pid }: Made): boolean {
    return isAlive(pid);
  }

  /** The mounts of a container, as its own process has them. */
  mounts({ pid }: Made): MountLine[] {
    try {
      return parseMountinfo(readFileSync(`/proc/${pid}/mountinfo`, "utf8"));
    } catch {
      return []; // it has ended
    }
  }

  drop(made: Made | string): void {
    const id = typeof made === "string" ? made : made.id;
    this.call(["delete", "--force", id]);
    if (typeof made !== "string") {
      for (let i = 0; i < 200 * patience && isAlive(made.pid); i++) Bun.sleepSync(5);
    }
    this.#alive.delete(id);
  }

  /** Removes what a row has left. */
  clear(): void {
    for (const id of this.#alive) this.drop(id);
    if (cgroupsNamed(this.#tag).length > 0) removeCgroups(this.#tag);
  }
}
