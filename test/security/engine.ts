// pivot's engine with roots of its own, and images made to do harm.

import { spawn } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { type TarMember, tarArchive } from "../../src/image/tar-writer.ts";
import { makeImage, type TestImage, writeLayout } from "../../src/image/testing/image.ts";
import { dir, file, link } from "../../src/image/testing/members.ts";
import { patience } from "../patience.ts";
import { compileC, Ground, pivotPath, type Ran } from "../pivot.ts";
import { Canary } from "./canary.ts";

const busybox = await Bun.file("/bin/busybox").bytes();

/** Layers begin with these: a shell in an otherwise empty root. */
const shell: readonly TarMember[] = [
  ...["bin/", "etc/", "tmp/", "proc/", "sys/", "dev/"].map((name) => dir(name)),
  { ...file("bin/busybox", ""), content: Buffer.from(busybox), mode: 0o755 },
  ...["sh", "cat", "ls", "id", "sleep", "true", "ln", "mkdir", "echo", "grep"].map((name) =>
    link(`bin/${name}`, "busybox"),
  ),
];

export class EngineWorld {
  readonly ground = new Ground("security");
  readonly tries: number;
  #count = 0;

  constructor(tries: number) {
    this.tries = tries;
  }

  fresh(name: string): string {
    return `${this.ground.directory}/${name}-${this.#count++}`;
  }

  /** A fresh directory. */
  directory(name: string): string {
    const path = this.fresh(name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  canary(): Canary {
    return new Canary(this.fresh("outside"));
  }

  /** A layout of an image; what `run` takes for it. */
  layout(image: TestImage, manifests?: readonly object[]): string {
    const path = this.directory("layout");
    writeLayout(path, image, manifests);
    return `oci:${path}`;
  }

  /** An image with a shell, more members in layers of their own, and a configuration. */
  image(layers: readonly (readonly TarMember[])[], config: object = {}): string {
    const tars = [shell, ...layers].map((members) => ({ tar: tarArchive([...members]) }));
    return this.layout(
      makeImage(tars, { config: { config: { Cmd: ["sh"], Env: ["PATH=/bin"], ...config } } }),
    );
  }

  /** `run --rm` of a shell's script in an image, with flags. */
  shell(image: string, script: string, flags: readonly string[] = []): Ran {
    return this.ground.run([...flags, image, "/bin/busybox", "sh", "-c", script]);
  }

  /** pivot while this process goes on: for what speaks to it. */
  async pivot(words: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Ran> {
    const child = spawn(pivotPath, [...this.ground.roots(), ...words], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, ...env },
    });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (bytes) => (stdout += bytes));
    child.stderr.on("data", (bytes) => (stderr += bytes));
    const timer = setTimeout(() => child.kill("SIGKILL"), 30_000 * patience);
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
      child.once("close", (...how) => resolve(how)),
    );
    clearTimeout(timer);
    return { code, signal, stdout, stderr };
  }

  /** A detached container; its name. */
  detached(words: readonly string[], script = "sleep 1000"): string {
    const name = `kept-${this.#count++}`;
    const ran = this.ground.pivot(["run", "-d", "--name", name, ...words, "sh", "-c", script]);
    if (ran.code !== 0) throw new Error(`it did not start: ${ran.stderr}`);
    return name;
  }

  /** What comes of system calls of x86-64 by their numbers, made in a container. */
  callsFrom(numbers: readonly number[]): string[] {
    const flags = ["-v", `${compileC("calls.c")}:/calls:ro`];
    const words = numbers.map((number) => `x86_64:${number}`);
    return this.ground
      .run([...flags, "busybox", "/calls", ...words])
      .stdout.trim()
      .split("\n");
  }

  hasNetavark(): boolean {
    return ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman"].some((path) =>
      existsSync(`${path}/netavark`),
    );
  }

  /** Of the first process of a container, as the host counts. */
  pid(name: string): number {
    return Number(this.ground.pivot(["inspect", "--format", "{{.State.Pid}}", name]).stdout);
  }

  remove(name: string): void {
    this.ground.pivot(["rm", "-f", name]);
  }

  /** Removes what rows have left. */
  clear(): void {
    const names = this.ground.pivot(["ps", "-aq"]).stdout.split("\n").filter(Boolean);
    if (names.length > 0) this.ground.pivot(["rm", "-f", ...names]);
  }

  close(): void {
    this.clear();
    rmSync(this.ground.directory, { recursive: true, force: true });
  }
}

/** Why an answer is not one clear line; undefined: it is. */
export function untidy({ code, signal, stderr }: Ran): string | undefined {
  if (signal !== null || code === null) return `it ended by ${signal ?? "no code"}`;
  const errors = stderr.replaceAll(/^pivot: warning: [^\n]*\n/gm, "");
  if (code !== 0 && !/^(?:pivot: [^\n]+\n)+$/.test(errors)) {
    return `it says ${JSON.stringify(stderr.slice(0, 200))}`;
  }
  return undefined;
}
