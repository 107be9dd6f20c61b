// The ground that black-box tests stand on: runs `build/pivot` with roots of its own below a
// temporary directory, looks through `probe.c` from inside, and finds what was left behind.

import { expect } from "bun:test";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";

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
    `../build/test/${name.replace(/\.c$/, "")}-${key.digest("hex").slice(0, 16)}`,
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
  /** Milliseconds until it is killed; 20 s unless told. */
  readonly timeout?: number;
};

type FileFacts = {
  readonly type: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly major: number;
  readonly minor: number;
  readonly dev: number;
  readonly ino: number;
  readonly size: number;
};

/** The outcome of an attempt: `errno` is null when it succeeded. */
export type Attempt = Partial<FileFacts> & {
  readonly errno: string | null;
  readonly text?: string;
  readonly readErrno?: string;
  readonly count?: number;
  readonly signal?: number;
};

/** What `probe.c` prints; raw texts are those of the files of /proc/self. */
export type Sight = {
  readonly fds: Readonly<Record<string, FileFacts & { target: string | null; flags: number }>>;
  readonly ns: Readonly<Record<string, string | null>>;
  readonly uids: readonly [real: number, effective: number, saved: number];
  readonly gids: readonly [real: number, effective: number, saved: number];
  readonly groups: readonly number[];
  readonly securebits: number;
  readonly noNewPrivs: number;
  /** prctl(PR_GET_SECCOMP): 0 none, 2 a filter. */
  readonly seccomp: number;
  readonly personality: number;
  readonly cwd: string | null;
  readonly umask: number;
  readonly pid: number;
  readonly ppid: number;
  readonly sid: number;
  readonly pgid: number;
  readonly controllingTerminal: 0 | 1;
  readonly terminal: Readonly<Record<"in" | "out" | "err" | "rows" | "columns", number>>;
  readonly env: readonly string[];
  /** By the kernel's number of the resource: RLIMIT_CPU first; -1 is no limit. */
  readonly rlimits: readonly (readonly [soft: number, hard: number])[];
  readonly blockedSignals: readonly number[];
  readonly ignoredSignals: readonly number[];
  readonly hostname: string;
  readonly domainname: string;
  /** Seconds. */
  readonly boottime: number;
  readonly monotonic: number;
  readonly status: string | null;
  readonly mountinfo: string | null;
  readonly cgroup: string | null;
  readonly oomScoreAdj: string | null;
  readonly uidMap: string | null;
  readonly gidMap: string | null;
  readonly exe: string | null;
  /** All below /dev, by path. */
  readonly devices: Readonly<Record<string, FileFacts & { target: string | null }>>;
  readonly attempts: Readonly<Record<string, Attempt>>;
};

/** A mount of a mountinfo, see proc_pid_mountinfo(5). */
export type MountLine = {
  readonly id: number;
  readonly parent: number;
  readonly root: string;
  readonly at: string;
  readonly flags: readonly string[];
  /** `shared:N`, `master:N`, …; empty: private. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
};

export function parseMountinfo(text: string | null): MountLine[] {
  const lines = (text ?? "").split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const words = line.split(" ");
    const dash = words.indexOf("-");
    const [id = "", parent = "", , root = "", at = "", flags = ""] = words;
    const [type = "", source = "", options = ""] = words.slice(dash + 1);
    const propagation = words.slice(6, dash);
    return {
      ...{ id: Number(id), parent: Number(parent), root, at, propagation, type, source },
      flags: flags.split(","),
      options: options.split(","),
    };
  });
}

/** One line of /proc/PID/status, such as `CapEff`. */
export const statusOf = (status: string | null, name: string): string | undefined =>
  new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status ?? "")?.[1];

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

const readIfThere = (path: string): string => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
};

const listIfThere = (path: string): string[] => {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
};

/** Processes that hold a file or a mount below a directory, or were given its name: `PID what`. */
function processesAt(directory: string): string[] {
  const holds = (pid: string): string | undefined => {
    if (readIfThere(`/proc/${pid}/cmdline`).includes(directory)) return "arguments";
    if (readIfThere(`/proc/${pid}/mountinfo`).includes(directory)) return "mounts";
    for (const fd of listIfThere(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith(directory)) return `descriptor ${fd}`;
      } catch {} // closed meanwhile
    }
    return undefined;
  };
  return listIfThere("/proc")
    .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
    .flatMap((pid) => {
      const what = holds(pid);
      return what === undefined
        ? []
        : [`${pid} ${readIfThere(`/proc/${pid}/comm`).trim()} ${what}`];
    });
}

/** Cgroups of containers in which no process is: others may have containers that are in use. */
function emptyCgroups(): Set<string> {
  const found = new Set<string>();
  const look = (directory: string): void => {
    for (const name of listIfThere(directory).filter((each) => each.startsWith("pivot-"))) {
      if (readIfThere(`${directory}/${name}/cgroup.procs`) === "")
        found.add(`${directory}/${name}`);
    }
  };
  for (const { at, type } of parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))) {
    if (type === "cgroup" || type === "cgroup2") look(at);
  }
  return found;
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

  constructor(theme: string) {
    this.directory = realpathSync(mkdtempSync(`${tmpdir()}/pivot-${theme}-`));
    this.root = `${this.directory}/data`;
    this.runRoot = `${this.directory}/run`;
    this.#mounts = this.#countMounts();
    this.#cgroups = emptyCgroups();
    this.#namespaces = this.#ownNamespaces();
  }

  #countMounts(): number {
    return readFileSync("/proc/self/mountinfo", "utf8").split("\n").length;
  }

  #ownNamespaces(): string {
    return listIfThere("/proc/self/ns")
      .map((name) => readlinkSync(`/proc/self/ns/${name}`))
      .join(" ");
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
      timeout,
      killSignal: "SIGKILL",
      ...(input === undefined ? {} : { input }),
      ...(env === undefined ? {} : { env }),
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
    const timeOut = wait(20_000).then(() => false);
    if (!(await Promise.race([ready, timeOut]))) {
      child.kill("SIGKILL");
      throw new Error(`${args.join(" ")} did not get ready: ${said}`);
    }
    const pid = Number(readFileSync(`${this.runRoot}/names/${name}/pid`, "utf8"));
    const running: Running = {
      name,
      pid,
      process: child,
      stop: async () => {
        this.#running.delete(running);
        if (child.exitCode === null && child.signalCode === null) process.kill(pid, "SIGKILL");
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
    const mounts = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(this.directory));
    return {
      processes: processesAt(this.directory),
      cgroups: [...emptyCgroups()].filter((path) => !this.#cgroups.has(path)),
      mounts,
      moreMounts: Math.max(0, this.#countMounts() - this.#mounts),
      namespaces: this.#ownNamespaces() === this.#namespaces ? "unchanged" : "changed",
      containers: listIfThere(this.runRoot).filter((name) => /^[0-9a-f]{64}$/.test(name)),
      names: listIfThere(`${this.runRoot}/names`),
      layers: listIfThere(`${this.root}/containers`),
    };
  }

  /** Asserts that of all that was started nothing is left: processes, cgroups, mounts, directories. */
  async expectNothingLeft(): Promise<void> {
    const nothing = {
      ...{ processes: [], cgroups: [], mounts: [], moreMounts: 0, namespaces: "unchanged" },
      ...{ containers: [], names: [], layers: [] },
    };
    // Others' containers come and go meanwhile, and the kernel ends a killed one in its own time.
    for (let i = 0; i < 40 && JSON.stringify(this.#left()) !== JSON.stringify(nothing); i++) {
      await wait(50);
    }
    expect(this.#left()).toEqual(nothing);
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
