// The ground that black-box tests stand on: runs `build/pivot` with roots of its own below a
// temporary directory, looks through `probe.c` from inside, and finds what was left behind.

import { expect } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import {
  countMounts,
  emptyCgroups,
  listIfThere,
  mountsBelow,
  ownNamespaces,
  processesAt,
} from "./leftovers.ts";
import { patience } from "./patience.ts";
import type { Sight } from "./sight.ts";

export const pivotPath = new URL("../build/pivot", import.meta.url).pathname;

/** Why no container can be made here, in words for a test's name; undefined: it can. */
export const whyNot: string | undefined =
  process.getuid?.() !== 0
    ? "only root can run containers"
    : existsSync(pivotPath)
      ? undefined
      : "build/pivot is not there: tools/setup.sh makes it";

/** Compiles a C program of this folder once for each state of its source; static. */
export function compileC(name: string, flags: readonly string[] = []): string {
  const source = new URL(name, import.meta.url).pathname;
  const key = createHash("sha256").update(readFileSync(source)).update(flags.join(" "));
  const program = new URL(
    `../build/test/${name.replace(/\.c$/, "").replaceAll("/", "-")}-${key.digest("hex").slice(0, 16)}`,
    import.meta.url,
  ).pathname;
  if (existsSync(program)) return program;
  mkdirSync(new URL("../build/test", import.meta.url), { recursive: true });
  const fresh = `${program}.${process.pid}`;
  const args = ["-std=c11", "-O1", "-Wall", "-Wextra", "-Werror", "-static", ...flags];
  const { status, stderr } = spawnSync("cc", [...args, "-o", fresh, source], { encoding: "utf8" });
  if (status !== 0) throw new Error(`cc could not compile ${source}:\n${stderr}`);
  renameSync(fresh, program);
  return program;
}

export const probeProgram = (): string => compileC("probe.c");

/** What a command came to. */
export type Ran = {
  /** null when a signal ended it; 137 and the like when the container's process was. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
};

export type RunSettings = {
  /** Standard input; absent: /dev/null. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed; 20 s unless told, or longer on a slow machine. */
  readonly timeout?: number;
};

/** A container in the background. */
export type Running = {
  readonly name: string;
  /** Of the container's first process, as the host counts. */
  readonly pid: number;
  readonly process: ChildProcess;
  /** Kills its first process and waits for pivot to end. */
  readonly stop: () => Promise<void>;
};

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** With SIGKILL: its end may have come already, and be about to be heard of. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** A temporary directory with an image store and a run root, for one test file. */
export class Ground {
  /** For files of the test's own; a real path. */
  readonly directory: string;
  readonly root: string;
  readonly runRoot: string;
  readonly #mounts: number;
  readonly #cgroups: ReadonlySet<string>;
  readonly #namespaces: string;
  readonly #running = new Set<Running>();
  #count = 0;

  /** With a reason why all of its tests are skipped, nothing is made: nobody would take it away. */
  constructor(theme: string, reason: string | undefined = whyNot) {
    const prefix = `${realpathSync(tmpdir())}/pivot-${theme}-`;
    this.directory = reason === undefined ? mkdtempSync(prefix) : prefix;
    this.root = `${this.directory}/data`;
    this.runRoot = `${this.directory}/run`;
    this.#mounts = countMounts();
    this.#cgroups = emptyCgroups(this.runRoot);
    this.#namespaces = ownNamespaces();
  }

  /** The whole command: the test says every word after the roots. */
  pivot(words: readonly string[], settings: RunSettings = {}): Ran {
    return this.command([pivotPath, ...this.roots(), ...words], settings);
  }

  roots(): string[] {
    return ["--root", this.root, "--runroot", this.runRoot];
  }

  /** Any program, with what it says and how it ends. */
  command(words: readonly string[], settings: RunSettings = {}): Ran {
    const { input, env, cwd, timeout = 20_000 } = settings;
    const [program = "", ...args] = words;
    const { status, signal, stdout, stderr, error } = spawnSync(program, args, {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      encoding: "utf8",
      maxBuffer: 64 << 20,
      timeout: timeout * patience,
      killSignal: "SIGKILL",
      ...(input === undefined ? {} : { input }),
      ...(env === undefined ? {} : { env: { PIVOT_NETWORK: "none", ...env } }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    if (error !== undefined) throw new Error(`${words.join(" ")}: ${error.message}`);
    return { code: status, signal, stdout, stderr };
  }

  /** `pivot run --rm …`. */
  run(words: readonly string[], settings?: RunSettings): Ran {
    return this.pivot(["run", "--rm", ...words], settings);
  }

  /** What a shell in busybox says, its last line end cut off; anything but success throws. */
  shell(flags: readonly string[], script: string, settings?: RunSettings): string {
    const ran = this.run([...flags, "busybox", "sh", "-c", script], settings);
    if (ran.code !== 0) throw new Error(`${script}: code ${ran.code}: ${ran.stderr}`);
    return ran.stdout.replace(/\n$/, "");
  }

  /** What the probe sees in busybox with these flags of `run`, and what comes of its attempts. */
  probe(flags: readonly string[], attempts: readonly string[] = []): Sight {
    const program = ["-v", `${probeProgram()}:/probe:ro`];
    return this.sight(this.run([...program, ...flags, "busybox", "/probe", ...attempts]));
  }

  /** The probe's output, of a container that was started in another way. */
  sight(ran: Ran): Sight {
    if (ran.code !== 0) throw new Error(`the probe ended with ${ran.code}: ${ran.stderr}`);
    return JSON.parse(ran.stdout) as Sight;
  }

  /** Starts `pivot run --rm` in the background; its program has to print a line when it is ready. */
  async start(flags: readonly string[], words: readonly string[] = []): Promise<Running> {
    const name = `background-${this.#count++}`;
    const program =
      words.length > 0 ? words : ["busybox", "sh", "-c", "echo ready; exec sleep 1000"];
    const args = [...this.roots(), "run", "--rm", "--name", name, ...flags, ...program];
    const child = spawn(pivotPath, args, { stdio: ["ignore", "pipe", "pipe"] });
    let said = "";
    const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
    const ready = new Promise<boolean>((resolve) => {
      child.stdout.once("data", () => resolve(true));
      child.stderr.on("data", (bytes) => {
        said += bytes;
      });
      child.once("close", () => resolve(false));
    });
    const timeOut = wait(20_000 * patience).then(() => false);
    if (!(await Promise.race([ready, timeOut]))) {
      child.kill("SIGKILL");
      throw new Error(`${args.join(" ")} did not get ready: ${said}`);
    }
    const pid = Number.parseInt(readFileSync(`${this.runRoot}/names/${name}/pid`, "utf8"), 10);
    const running: Running = {
      name,
      pid,
      process: child,
      stop: async () => {
        this.#running.delete(running);
        if (child.exitCode === null && child.signalCode === null) killIfThere(pid);
        await ended;
      },
    };
    this.#running.add(running);
    return running;
  }

  /** The directory that `--name` gives to a running container, with its state. */
  stateOf({ name }: Running): string {
    return realpathSync(`${this.runRoot}/names/${name}`);
  }

  #left(): Record<string, unknown> {
    return {
      processes: processesAt(this.directory),
      cgroups: [...emptyCgroups(this.runRoot)].filter((path) => !this.#cgroups.has(path)),
      mounts: mountsBelow(this.directory),
      moreMounts: Math.max(0, countMounts() - this.#mounts),
      namespaces: ownNamespaces() === this.#namespaces ? "unchanged" : "changed",
      containers: listIfThere(this.runRoot).filter((name) => /^[0-9a-f]{64}$/.test(name)),
      names: listIfThere(`${this.runRoot}/names`),
      layers: listIfThere(`${this.root}/containers`),
    };
  }

  /**
   * Asserts that of all that was started nothing is left: processes, cgroups, mounts, directories.
   *
   * @param looks how often it looks again, after 50 ms each
   */
  async expectNothingLeft(looks = 60): Promise<void> {
    const nothing = {
      processes: [],
      cgroups: [],
      mounts: [],
      moreMounts: 0,
      namespaces: "unchanged",
      containers: [],
      names: [],
      layers: [],
    };
    // Others' containers come and go meanwhile, and the kernel ends a killed one in its own time.
    let left = this.#left();
    const end = Date.now() + looks * 50 * patience;
    for (let i = 0; i < looks || Date.now() < end; i++) {
      if (JSON.stringify(left) === JSON.stringify(nothing)) break;
      await wait(50);
      left = this.#left();
    }
    expect(left).toEqual(nothing);
  }

  /** For `afterAll`: ends what runs, asserts that nothing is left, and removes the directory. */
  async close(): Promise<void> {
    for (const running of this.#running) await running.stop();
    try {
      await this.expectNothingLeft();
    } finally {
      rmSync(this.directory, { recursive: true, force: true });
    }
  }
}
