// An ordinary user whom this machine does not have, made by tools/as-user.sh for a test: with a home
// directory, a runtime directory, and subordinate ids or none.

import { expect } from "bun:test";
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { patience } from "./patience.ts";
import { pivotPath, type Ran } from "./pivot.ts";

/** As tools/as-user.sh has it; whoever runs tests beside others gives each another. */
export const userId = Number(process.env["PIVOT_TEST_UID"] ?? 64711);

const script = new URL("../tools/as-user.sh", import.meta.url).pathname;

const has = (program: string): boolean =>
  spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;

/** Why there can be no such user, in words; undefined: there can. */
export function whyNoUser(): string | undefined {
  if (process.getuid?.() !== 0) return "only root can become another user";
  if (!existsSync(pivotPath)) return "build/pivot is not there: tools/setup.sh makes it";
  const missing = ["setpriv", "unshare", "newuidmap"].filter((program) => !has(program));
  if (missing.length > 0) return `not installed: ${missing.join(", ")}`;
  const as = ["--reuid", String(userId), "--clear-groups"];
  if (spawnSync("setpriv", [...as, "test", "-x", pivotPath]).status !== 0) {
    return "other users cannot read this clone";
  }
  return spawnSync("setpriv", [...as, "unshare", "--user", "true"]).status === 0
    ? undefined
    : "ordinary users may make no user namespaces here";
}

export type UserMode = "range" | "single";

/** What the user's processes are, as the host counts. */
function processesOf(uid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        if (statSync(`/proc/${pid}`).uid !== uid) return false;
        return !/^State:\s*Z/m.test(readFileSync(`/proc/${pid}/status`, "latin1"));
      } catch {
        return false; // it has ended
      }
    })
    .map(Number);
}

export class OrdinaryUser {
  readonly mode: UserMode;
  #home: string | null = null;
  readonly #before: ReadonlySet<number>;

  constructor(mode: UserMode) {
    this.mode = mode;
    this.#before = new Set(processesOf(userId));
  }

  /** Made when it is first asked for; not where a parent would keep others out. */
  get home(): string {
    this.#home ??= mkdtempSync("/tmp/pivot-user-");
    return this.#home;
  }

  /** Runs a program; a `timeout` in milliseconds ends it. */
  command(
    argv: readonly string[],
    { input = "", timeout = 30_000 * patience, env = {}, cgroup }: RunAs = {},
  ): Promise<Ran> {
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const words = variables.length === 0 ? argv : ["env", ...variables, ...argv];
    const become = [script, this.mode, this.home, ...words];
    const join = ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', cgroup ?? ""];
    const [program = "", ...rest] = cgroup === undefined ? become : [...join, ...become];
    const child = spawn(program, rest, { timeout });
    return new Promise((resolve, reject) => {
      let [stdout, stderr] = ["", ""];
      child.stdout.setEncoding("utf8").on("data", (part: string) => {
        stdout += part;
      });
      child.stderr.setEncoding("utf8").on("data", (part: string) => {
        stderr += part;
      });
      child.once("error", reject);
      child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
      child.stdin.on("error", () => {}).end(input);
    });
  }

  pivot(args: readonly string[], settings?: RunAs): Promise<Ran> {
    return this.command([pivotPath, ...args], settings);
  }

  /** Expects a command to go well. @returns its standard output without the last line's end */
  async ok(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.pivot(args);
    expect({ args, code, stderr: code === 0 ? "" : stderr }).toEqual({ args, code: 0, stderr: "" });
    return stdout.trimEnd();
  }

  /** Expects a command to fail. @returns what it says */
  async fails(...args: readonly string[]): Promise<string> {
    const { code, stderr } = await this.pivot(args);
    expect(code).not.toBe(0);
    return stderr.trimEnd();
  }

  /** Nothing of the user's runs; waits a moment for what is about to end. */
  async expectNobody(): Promise<void> {
    const others = () => processesOf(userId).filter((pid) => !this.#before.has(pid));
    for (let i = 0; i < 50 * patience && others().length > 0; i++) await Bun.sleep(50);
    expect(others().map((pid) => readFileSync(`/proc/${pid}/cmdline`, "latin1"))).toEqual([]);
    expect(existsSync(`${this.home}/run/pivot-namespace/holder`)).toBe(false);
  }

  drop(): void {
    if (this.#home !== null) rmSync(this.#home, { recursive: true, force: true });
  }
}

export type RunAs = {
  readonly input?: string;
  readonly timeout?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** The cgroup that it is started in, as a directory. */
  readonly cgroup?: string;
};
