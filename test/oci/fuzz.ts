/**
 * Fuzzes an OCI runtime with mutated config.json files: each gives a container that can be deleted,
 * or one clear line of error; never a crash, a hang, or something left behind.
 *
 *   npm run test:fuzz-config -- [--runs N] [--seed N] [--replay]
 *
 * --replay runs only what was found before, which is in regressions/; a new find is shrunk and added
 * there. All of it happens in namespaces of its own, with the scratch tree on a tmpfs, so that the
 * machine's mounts, names and networks are out of reach. The runtime is PIVOT_TEST_RUNTIME.
 */

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { listIfThere } from "../leftovers.ts";
import { patience } from "../patience.ts";
import { type Case, cases } from "./fuzz-config.ts";
import { cgroupsNamed, isAlive, makeRootfs, removeCgroups } from "./ground.ts";
import { runtimeName, runtimeWords, whyNot } from "./runtime.ts";

const regressions = new URL("regressions/", import.meta.url).pathname;
const inside = "PIVOT_FUZZ_INSIDE";

type Find = Case & {
  readonly problem: string;
  /** Peers that have the problem, in words: it is not replayed against them. */
  readonly differs?: Readonly<Record<string, string>>;
};

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "1000" },
    seed: { type: "string" },
    replay: { type: "boolean", default: false },
  },
});

/** Starts this program again where it can do no harm; its exit code. */
function enter(): number {
  const directory = mkdtempSync(`${tmpdir()}/pivot-fuzz-`);
  const script = 'mount -t tmpfs -o size=1g fuzz "$0" && "$@"; exit $?';
  const namespaces = ["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--mount-proc"];
  const own = [process.execPath, import.meta.path, ...process.argv.slice(2)];
  const { status } = spawnSync("unshare", [...namespaces, "sh", "-c", script, directory, ...own], {
    stdio: "inherit",
    env: { ...process.env, [inside]: directory },
  });
  rmSync(directory, { recursive: true, force: true });
  return status ?? 1;
}

class Bench {
  readonly #scratch: string;
  readonly #tag = `fuzz${process.ppid}x${Date.now() % 100_000}`;
  readonly #root: string;
  readonly #bundle: string;
  readonly #mounts: string;
  readonly #files: string;
  #count = 0;
  /** How many cases gave a container, and how many of these one that started. */
  readonly tally = { cases: 0, created: 0, started: 0 };

  constructor(scratch: string) {
    this.#scratch = scratch;
    // Deep, so that `..` in a path stays below the scratch tree.
    this.#bundle = `${scratch}/a/b/c/d/bundle`;
    this.#root = `${scratch}/state`;
    for (const each of [this.#bundle, `${scratch}/shown`, `${scratch}/rootfs`]) {
      mkdirSync(each, { recursive: true });
    }
    makeRootfs(`${scratch}/rootfs`);
    writeFileSync(`${scratch}/file`, "a file\n");
    symlinkSync("rootfs", `${scratch}/link`);
    symlinkSync("/etc", `${scratch}/rootfs/link`);
    symlinkSync("loop", `${scratch}/rootfs/loop`);
    this.#mounts = this.#mountinfo();
    this.#files = this.#outside();
  }

  #mountinfo(): string {
    return readFileSync("/proc/self/mountinfo", "utf8");
  }

  /** What is in the scratch tree, without the insides of what is shown, where mount points are made. */
  #outside(): string {
    const top = listIfThere(this.#scratch).filter(
      (name) => !["state", "out", "err"].includes(name),
    );
    const above = listIfThere(`${this.#scratch}/a/b/c/d`);
    return JSON.stringify([top.sort(), above, readFileSync(`${this.#scratch}/file`, "utf8")]);
  }

  #call(words: readonly string[]): {
    code: number | null;
    signal: string | null;
    stderr: string;
    isHung: boolean;
  } {
    const [program = "", ...args] = [...runtimeWords, "--root", this.#root, ...words];
    const script = 'exec "$@" >"$OUT" 2>"$ERR" </dev/null';
    const env = { ...process.env, OUT: `${this.#scratch}/out`, ERR: `${this.#scratch}/err` };
    const { status, signal, error } = spawnSync("sh", ["-c", script, "sh", program, ...args], {
      env,
      stdio: "ignore",
      timeout: 10_000 * patience,
      killSignal: "SIGKILL",
    });
    const stderr = readFileSync(`${this.#scratch}/err`, "utf8");
    return { code: status, signal, stderr, isHung: error !== undefined };
  }

  /** What is wrong with how a call ended; undefined: nothing. */
  #wrong(words: readonly string[], mayFail: boolean): string | undefined {
    const { code, signal, stderr, isHung } = this.#call(words);
    const what = words[0];
    if (isHung) return `${what} hangs`;
    if (signal !== null) return `${what} is ended by ${signal}`;
    if (
      /panic:|goroutine |^\s+at .*:\d+|Segmentation|\b(Type|Range|Reference)Error\b/m.test(stderr)
    ) {
      return `${what} crashes: ${stderr.slice(0, 500)}`;
    }
    if (code === 0) return undefined;
    if (!mayFail) return `${what} fails: ${stderr.slice(0, 500)}`;
    // The peers are known to warn and to draw arrows.
    // What was odd before it failed stands in lines of its own.
    const error = stderr.replaceAll(/^pivot-oci: warning: [^\n]*\n/gm, "");
    if (runtimeName === "pivot" && !/^[^\n]+\n$/.test(error)) {
      return `${what} fails with other than one line: ${JSON.stringify(stderr.slice(0, 500))}`;
    }
    if (process.env["PIVOT_FUZZ_VERBOSE"] !== undefined) console.log(stderr.slice(0, 200).trim());
    return "failed";
  }

  #left(): string[] {
    const processes = listIfThere("/proc").filter(
      (pid) =>
        /^\d+$/.test(pid) && !["1", String(process.pid)].includes(pid) && isAlive(Number(pid)),
    );
    return [
      ...processes.map((pid) => `process ${pid}: ${this.#nameOf(pid)}`),
      // A parent that a path names may stay: other containers may be meant to join it.
      ...cgroupsNamed(this.#tag)
        .filter((path) => !path.endsWith("-parent"))
        .map((path) => `cgroup ${path}`),
      ...listIfThere(this.#root)
        .filter((name) => name.includes(this.#tag))
        .map((name) => `state ${name}`),
      ...listIfThere(this.#bundle)
        .filter((name) => name !== "config.json")
        .map((name) => `file of the bundle ${name}`),
      ...(this.#mountinfo() === this.#mounts ? [] : ["mounts"]),
      ...(this.#outside() === this.#files ? [] : [`files outside: ${this.#outside()}`]),
    ];
  }

  #nameOf(pid: string): string {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    } catch {
      return "gone";
    }
  }

  /** Removes what is left, so that the next case begins anew. */
  #sweep(id: string): void {
    for (const line of this.#left()) {
      const pid = /^process (\d+)/.exec(line)?.[1];
      try {
        if (pid !== undefined) process.kill(Number(pid), "SIGKILL");
      } catch {} // ended meanwhile
    }
    Bun.sleepSync(50);
    removeCgroups(this.#tag);
    for (const name of readdirSync(this.#bundle)) {
      if (name !== "config.json")
        rmSync(`${this.#bundle}/${name}`, { recursive: true, force: true });
    }
    rmSync(`${this.#root}/${id}`, { recursive: true, force: true });
  }

  /** Runs a case; what is wrong with the runtime, or undefined. */
  try({ config }: Case): string | undefined {
    const id = `${this.#tag}-${this.#count++}`;
    const text = config.replaceAll("@SCRATCH@", this.#scratch).replaceAll("@TAG@", this.#tag);
    writeFileSync(`${this.#bundle}/config.json`, Buffer.from(text, "latin1"));
    const problem = this.#live(id);
    // The kernel ends a killed process, and frees its cgroup, in its own time.
    let left = this.#left();
    for (let i = 0; i < 100 && left.length > 0; i++) {
      Bun.sleepSync(20);
      left = this.#left();
    }
    if (left.length > 0) this.#sweep(id);
    return problem ?? (left.length > 0 ? `left behind: ${left.join(", ")}` : undefined);
  }

  close(): void {
    removeCgroups(this.#tag);
  }

  #live(id: string): string | undefined {
    this.tally.cases++;
    const created = this.#wrong(["create", "--bundle", this.#bundle, id], true);
    if (created !== undefined) return created === "failed" ? undefined : created;
    this.tally.created++;
    const started = this.#wrong(["start", id], true);
    if (started === undefined) this.tally.started++;
    const deleted = this.#wrong(["delete", "--force", id], false);
    return started === "failed" ? deleted : (started ?? deleted);
  }
}

function replay(bench: Bench): boolean {
  let isFine = true;
  for (const name of listIfThere(regressions).sort()) {
    const find = JSON.parse(readFileSync(regressions + name, "utf8")) as Find;
    if (find.differs?.[runtimeName] !== undefined) continue;
    const problem = bench.try(find);
    if (problem !== undefined) {
      console.log(`regressions/${name}: ${problem}`);
      isFine = false;
    }
  }
  return isFine;
}

/** Keeps a find; two of the same text are one. */
function keep(find: Find): string {
  const name = `${createHash("sha256").update(find.config).digest("hex").slice(0, 12)}.json`;
  mkdirSync(regressions, { recursive: true });
  writeFileSync(regressions + name, `${JSON.stringify(find, null, 2)}\n`);
  return name;
}

function fuzz(bench: Bench): boolean {
  const seed = Number(values.seed ?? Date.now() % 2 ** 31);
  const runs = Number(values.runs);
  console.log(`fuzzing ${runtimeName}: --seed ${seed} --runs ${runs}`);
  let last = "";
  const property = fc.property(cases, (each) => {
    const problem = bench.try(each);
    if (problem !== undefined) {
      last = problem;
      throw new Error(problem);
    }
  });
  const outcome = fc.check(property, { seed, numRuns: runs, endOnFailure: false });
  const { cases: count, created, started } = bench.tally;
  console.log(`${count} cases: ${created} containers were created, ${started} started`);
  if (!outcome.failed) return true;
  const [found] = outcome.counterexample ?? [];
  const name =
    found === undefined
      ? "nothing"
      : keep({
          problem: last,
          config: found.config,
          ...(runtimeName === "pivot" ? {} : { differs: { [runtimeName]: last } }),
        });
  console.log(
    `after ${outcome.numRuns} runs and ${outcome.numShrinks} steps of shrinking: ${last}`,
  );
  console.log(`kept as regressions/${name}`);
  return false;
}

const scratch = process.env[inside];
if (whyNot !== undefined) {
  console.log(`nothing is fuzzed: ${whyNot}`);
} else if (scratch === undefined || !existsSync(scratch)) {
  process.exitCode = enter();
} else {
  const bench = new Bench(scratch);
  const isFine = replay(bench);
  process.exitCode = (values.replay || fuzz(bench)) && isFine ? 0 : 1;
  bench.close();
}
