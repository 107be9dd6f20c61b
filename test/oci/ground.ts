// The ground that the black-box tests of an OCI runtime stand on: bundles below a temporary
// directory, a state root of its own, and a look for what was left behind after each test.

import { afterAll, afterEach, expect } from "bun:test";
import { spawnSync } from "node:child_process";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  realpathSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { countMounts, listIfThere, mountsBelow, ownNamespaces, processesAt } from "../leftovers.ts";
import { compileC, probeProgram } from "../pivot.ts";
import { parseMountinfo, type Sight } from "../sight.ts";
import { baseConfig, type Config, type Json, type JsonObject } from "./config.ts";
import { isKnownToDiffer, patience, runtimeWords, whyNot } from "./runtime.ts";

/** What a call of the runtime came to. */
export type Called = {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Where standard output went: a container made by the call writes there later too. */
  readonly out: string;
};

export type CallSettings = {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Milliseconds until it is killed, which is a failure: 10 s unless told. */
  readonly timeout?: number;
  /** Words before the runtime's. */
  readonly before?: readonly string[];
  /** In place of the ground's `--root DIR`. */
  readonly global?: readonly string[];
};

export type State = {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
};

export type Change = (config: Config) => void;

const programs = ["cat", "echo", "env", "grep", "id", "kill", "ls", "ps", "sh", "sleep", "true"];

/** A root directory with busybox, the probe, the hook and mount points. */
export function makeRootfs(path: string): void {
  for (const name of ["bin", "dev", "etc", "home", "out", "proc", "sys", "tmp"]) {
    mkdirSync(`${path}/${name}`, { recursive: true });
  }
  copyFileSync("/bin/busybox", `${path}/bin/busybox`);
  for (const name of programs) symlinkSync("busybox", `${path}/bin/${name}`);
  copyFileSync(probeProgram(), `${path}/probe`);
  copyFileSync(compileC("oci/hook.c"), `${path}/hook`);
  copyFileSync(compileC("oci/overwrite.c"), `${path}/overwrite`);
  copyFileSync(compileC("oci/notify.c"), `${path}/notify`);
  writeFileSync(`${path}/this-is-the-container`, "");
  writeFileSync(
    `${path}/etc/passwd`,
    "root:x:0:0::/:/bin/sh\nsomebody:x:1234:1234::/home:/bin/sh\n",
  );
  writeFileSync(`${path}/etc/group`, "root:x:0:\nsomegroup:x:4321:\n");
}

const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** The directories of the cgroup hierarchies of which the name has this in it. */
export function cgroupsNamed(tag: string): string[] {
  const found: string[] = [];
  const look = (directory: string): void => {
    for (const name of listIfThere(directory)) {
      const path = `${directory}/${name}`;
      if (name.includes(".") && !name.includes(tag)) continue; // the kernel's files, nearly all
      if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) continue;
      if (name.includes(tag)) found.push(path);
      look(path);
    }
  };
  for (const { at, type } of parseMountinfo(readFileSync("/proc/self/mountinfo", "utf8"))) {
    if (type === "cgroup" || type === "cgroup2") look(at);
  }
  return found;
}

/** Ends the processes of these cgroups, and removes them. */
export function removeCgroups(tag: string): void {
  const cgroups = cgroupsNamed(tag);
  for (const cgroup of cgroups) {
    for (const [file, word] of [
      ["freezer.state", "THAWED"],
      ["cgroup.freeze", "0"],
    ] as const) {
      if (existsSync(`${cgroup}/${file}`)) writeFileSync(`${cgroup}/${file}`, word);
    }
    for (const pid of readFileSync(`${cgroup}/cgroup.procs`, "utf8").split("\n")) {
      if (pid !== "" && pid !== "0") process.kill(Number(pid), "SIGKILL");
    }
  }
  if (cgroups.length > 0) Bun.sleepSync(100);
  for (const cgroup of cgroups.reverse()) {
    try {
      rmdirSync(cgroup);
    } catch {} // the runtime removes it at the same time
  }
}

/** For one test file. Construct it once, in the file's first `describe`. */
export class OciGround {
  readonly directory: string;
  /** The state root of `--root`. */
  readonly root: string;
  readonly rootfs: string;
  /** In the name of every container and cgroup made here. */
  readonly tag: string;
  readonly #mounts = countMounts();
  readonly #namespaces = ownNamespaces();
  readonly #ids: string[] = [];
  #lasting: Container | undefined;
  #count = 0;

  /** With a reason why all of its tests are skipped, nothing is made: nobody would take it away. */
  constructor(theme: string, reason: string | undefined = whyNot) {
    const prefix = `${realpathSync(tmpdir())}/pivot-oci-${theme}-`;
    this.directory = reason === undefined ? mkdtempSync(prefix) : prefix;
    this.root = `${this.directory}/state`;
    this.rootfs = `${this.directory}/rootfs`;
    this.tag = `t${theme}${process.pid}`;
    if (reason !== undefined) return;
    mkdirSync(`${this.directory}/out`);
    makeRootfs(this.rootfs);
    afterEach(async () => {
      try {
        this.clear();
        await this.expectNothingLeft();
      } catch (error) {
        this.#sweep();
        if (!isKnownToDiffer) throw error;
      }
    });
    afterAll(async () => {
      if (this.#lasting !== undefined) this.call(["delete", "--force", this.#lasting.id]);
      this.#lasting = undefined;
      try {
        await this.expectNothingLeft();
      } finally {
        rmSync(this.directory, { recursive: true, force: true });
      }
    });
  }

  /** A fresh id, of which the container is removed after the test. */
  id(): string {
    const id = `${this.tag}-${this.#count++}`;
    this.#ids.push(id);
    return id;
  }

  path(name: string): string {
    return `${this.directory}/${name}-${this.#count++}`;
  }

  /** A fresh directory with a config.json: the least that there is, with changes. */
  bundle(change: Change = () => undefined): string {
    const bundle = this.path("bundle");
    const config = baseConfig(this.rootfs, `/${this.tag}-${this.#count++}`);
    change(config);
    mkdirSync(bundle);
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
    return bundle;
  }

  /** Calls the runtime with these words after `--root DIR`, and waits for its own end only. */
  call(words: readonly string[], settings: CallSettings = {}): Called {
    const { input, env, cwd, timeout = 10_000, before = [], global } = settings;
    const base = `${this.directory}/out/${this.#count++}`;
    const out = openSync(`${base}.out`, "a");
    const err = openSync(`${base}.err`, "a");
    const roots = global ?? ["--root", this.root];
    const [program = "", ...args] = [...before, ...runtimeWords, ...roots, ...words];
    const { status, signal, error } = spawnSync(program, args, {
      // Files: with pipes the end of the container would be waited for.
      stdio: [input === undefined ? "ignore" : "pipe", out, err],
      timeout: timeout * patience,
      killSignal: "SIGKILL",
      ...(input === undefined ? {} : { input }),
      ...(env === undefined ? {} : { env }),
      ...(cwd === undefined ? {} : { cwd }),
    });
    closeSync(out);
    closeSync(err);
    if (error !== undefined) throw new Error(`${words.join(" ")}: ${error.message}`);
    const [stdout, stderr] = ["out", "err"].map((each) => readFileSync(`${base}.${each}`, "utf8"));
    return { code: status, signal, stdout: stdout ?? "", stderr: stderr ?? "", out: `${base}.out` };
  }

  /** As `call`, and anything but success without a word on standard error fails the test. */
  ok(words: readonly string[], settings?: CallSettings): Called {
    const called = this.call(words, settings);
    expect({ words, code: called.code, stderr: called.stderr }).toEqual({
      words,
      code: 0,
      stderr: "",
    });
    return called;
  }

  /** As `call`, for what has to fail with one clear line; that line. */
  refused(words: readonly string[], settings?: CallSettings): string {
    return oneLine(this.call(words, settings));
  }

  create(change?: Change, flags: readonly string[] = [], settings?: CallSettings): Container {
    const id = this.id();
    const bundle = this.bundle(change);
    const given = flags.indexOf("--pid-file");
    const pidFile = flags[given + 1] ?? "";
    const ownFile = `${this.directory}/out/${id}.pid`;
    const more = given < 0 ? [...flags, "--pid-file", ownFile] : flags;
    const called = this.ok(["create", "--bundle", bundle, ...more, id], settings);
    const pid = Number(readFileSync(given < 0 ? ownFile : pidFile, "utf8"));
    return { id, bundle, out: called.out, pid };
  }

  start(change?: Change, flags: readonly string[] = [], settings?: CallSettings): Container {
    const container = this.create(change, flags, settings);
    this.ok(["start", container.id], settings);
    return container;
  }

  /** A container that runs through all tests of the file: for those that leave it as it was. */
  lasting(): Container {
    this.#lasting ??= this.start((config) => {
      config.linux["cgroupsPath"] = `/${this.tag}-lasting`;
    });
    return this.#lasting;
  }

  /** A container of which the program has ended. */
  async stopped(): Promise<Container> {
    const container = this.start((config) => {
      config.process["args"] = ["/bin/true"];
    });
    await this.until(container.id, "stopped");
    return container;
  }

  state(id: string): State {
    return JSON.parse(this.ok(["state", id]).stdout) as State;
  }

  async until(id: string, status: string): Promise<State> {
    let state = this.state(id);
    // By the clock: who ends a container may have to wait for the machine's init to reap what came from outside.
    const end = Date.now() + 10_000 * patience;
    while (state.status !== status && Date.now() < end) {
      await wait(10);
      state = this.state(id);
    }
    expect(state.status).toBe(status);
    return state;
  }

  /** `run` in the foreground of a bundle with changes. */
  run(change: Change, flags: readonly string[] = [], settings?: CallSettings): Called {
    return this.call(["run", "--bundle", this.bundle(change), ...flags, this.id()], settings);
  }

  /** What the probe sees as the container's process. */
  probe(change: Change = () => undefined, attempts: readonly string[] = []): Sight {
    const called = this.run((config) => {
      config.process["args"] = ["/probe", ...attempts];
      change(config);
    });
    return sight(called);
  }

  /** Removes every container of the state root, and of the ids given out so far. */
  clear(): void {
    const isForThis = (id: string): boolean => !id.startsWith(".") && id !== this.#lasting?.id;
    const known = this.#ids.splice(0).filter((id) => isForThis(id) && cgroupsNamed(id).length > 0);
    const states = listIfThere(this.root).filter(isForThis);
    for (const id of new Set([...states, ...known])) this.call(["delete", "--force", id]);
  }

  /** Ends and removes, without the runtime, what a failed test has left, that it spoils no other. */
  #sweep(): void {
    removeCgroups(this.tag);
    this.#lasting = undefined;
    rmSync(this.root, { recursive: true, force: true });
  }

  left(): Record<string, unknown> {
    return {
      processes: processesAt(this.directory).filter(
        (line) => !line.startsWith(`${this.#lasting?.pid} `),
      ),
      cgroups: cgroupsNamed(this.tag).filter((path) => !path.endsWith(`${this.tag}-lasting`)),
      mounts: mountsBelow(this.directory),
      moreMounts: Math.max(0, countMounts() - this.#mounts),
      namespaces: ownNamespaces() === this.#namespaces ? "unchanged" : "changed",
      states: listIfThere(this.root).filter(
        (name) => name.includes(this.tag) && name !== this.#lasting?.id,
      ),
    };
  }

  /** Asserts that of all that was made nothing is left: processes, cgroups, mounts, states. */
  async expectNothingLeft(looks = 60): Promise<void> {
    const nothing = {
      processes: [],
      cgroups: [],
      mounts: [],
      moreMounts: 0,
      namespaces: "unchanged",
      states: [],
    };
    let left = this.left();
    const end = Date.now() + looks * 50 * patience;
    for (let i = 0; i < looks || Date.now() < end; i++) {
      if (JSON.stringify(left) === JSON.stringify(nothing)) break;
      await wait(50);
      left = this.left();
    }
    expect(left).toEqual(nothing);
  }
}

export type Container = {
  readonly id: string;
  readonly bundle: string;
  /** Where its standard output goes. */
  readonly out: string;
  readonly pid: number;
};

/** The line of a call that failed as it should: one line, and no trace of a crash. */
export function oneLine({ code, signal, stderr }: Called): string {
  expect({ code, signal, stderr }).not.toMatchObject({ code: 0 });
  expect({ signal, stderr }).toMatchObject({ signal: null });
  expect(stderr).not.toMatch(/^\s+at |panic:|goroutine |Segmentation|core dumped/m);
  expect(stderr).toMatch(/^[^\n]+\n$/);
  return stderr.trimEnd();
}

/** Whether a process runs; one that has ended and waits for its parent does not. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return false;
  }
}

/** The probe's output. */
export function sight({ code, stdout, stderr }: Pick<Called, "code" | "stdout" | "stderr">): Sight {
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout) as Sight;
}

/** Waits until a file is there with something in it; its text. */
export async function textOf(path: string, isWhole = /[^]/): Promise<string> {
  for (let i = 0; i < 300 * patience; i++) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    if (isWhole.test(text)) return text;
    await wait(10);
  }
  throw new Error(`${path} did not come to match ${isWhole}`);
}

/** Adds a mount that shows a directory of the host. */
export function bindMount(config: Config, source: string, destination: string): void {
  config.mounts.push({ source, destination, type: "bind", options: ["rbind", "rw"] });
}

export type { Config, Json, JsonObject };
