// The commands that faults are put into: what each needs before, what has to be true after it, and how
// it is cleared, whatever came of it.

import { copyFileSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { baseConfig } from "../oci/config.ts";
import { type Ground, pivotPath, probeProgram } from "../pivot.ts";
import { essence, firstDifference } from "./aftermath.ts";
import type { Call, Traced } from "./trace.ts";

export type Scenario = {
  readonly name: string;
  readonly call: Call;
  /** Once, before all. */
  readonly begin?: () => void;
  /** Before each. */
  readonly before?: () => void;
  /** What is wrong with a success; undefined: nothing. */
  readonly check?: (came: Traced) => string | undefined;
  /** By commands that have to work, whatever happened; what is wrong, or undefined. */
  readonly clear?: () => string | undefined;
  /** After all. */
  readonly end?: () => void;
};

const ociPath = `${pivotPath}-oci`;

/** Runs a command that has to work now; throws otherwise. */
export function ok(ground: Ground, ...words: readonly string[]): string {
  const { code, stdout, stderr } = ground.pivot(words);
  if (code !== 0) throw new Error(`${words.join(" ")}: ${code} ${stderr}`);
  return stdout.trim();
}

/** What is wrong when these commands do not work without a word. */
export function works(ground: Ground, ...all: readonly string[][]): string | undefined {
  for (const words of all) {
    const { code, stderr } = ground.pivot(words);
    if (code !== 0 || stderr !== "") return `then ${words.join(" ")}: ${code} ${stderr}`;
  }
  return undefined;
}

/** All containers go. */
export const clearContainers = (ground: Ground) => (): string | undefined => {
  const { code, stdout, stderr } = ground.pivot(["ps", "-aq", "--no-trunc"]);
  if (code !== 0 || stderr !== "") return `then ps -aq: ${stderr}`;
  const ids = stdout.split("\n").filter(Boolean);
  return ids.length === 0 ? undefined : works(ground, ["rm", "-f", ...ids]);
};

export const isAsSeen =
  (expected: () => string) =>
  ({ stdout }: Traced): string | undefined => {
    if (stdout === "") return "it succeeds without output";
    const differs = firstDifference(expected(), essence(stdout));
    return differs === undefined ? undefined : `it is another container: ${differs}`;
  };

const options =
  "--hostname host --init --memory 64m --pids-limit 9 --cpus 1 --tmpfs /scratch --sysctl net.ipv4.ip_forward=1 -u daemon -w /made --ulimit nofile=100".split(
    " ",
  );

/** Runs and ends by itself. */
const runOf = (ground: Ground): Scenario => {
  const shown = `${ground.directory}/shown`;
  const mounts = ["-v", `${probeProgram()}:/probe:ro`, "-v", `${shown}:/shown`];
  const words = ["run", "--rm", "--name", "one", ...options, ...mounts, "busybox", "/probe"];
  let sight = "";
  return {
    name: "run",
    call: { words: [...ground.roots(), ...words] },
    begin: () => {
      mkdirSync(shown, { recursive: true });
      sight = essence(ok(ground, ...words));
    },
    check: isAsSeen(() => sight),
  };
};

/** A monitor, a log, a policy, a volume that is filled. */
const detachedOf = (ground: Ground): Scenario => {
  const more = ["--name", "one", "-m", "64m", "-v", "named:/etc", "--restart", "on-failure:1"];
  const program = ["busybox", "sh", "-c", "echo said; exit 3"];
  return {
    name: "run -d, which fails and is started once more",
    call: { words: [...ground.roots(), "run", "-d", ...more, ...program] },
    clear: () => clearContainers(ground)() ?? works(ground, ["volume", "prune", "-af"]),
  };
};

const execOf = (ground: Ground): Scenario => {
  const words = ["exec", "-u", "daemon", "-w", "/tmp", "-e", "A=b", "kept", "/probe"];
  let sight = "";
  return {
    name: "exec",
    call: { words: [...ground.roots(), ...words] },
    begin: () => {
      const probe = `${probeProgram()}:/probe:ro`;
      const flags = ["--name", "kept", "--hostname", "host", "-v", probe];
      ok(ground, "run", "-d", ...flags, "busybox", "sleep", "10000");
      ok(ground, ...words);
      sight = essence(ok(ground, ...words));
    },
    check: isAsSeen(() => sight),
    end: () => void ok(ground, "rm", "-f", "kept"),
  };
};

/**
 * Of the container `one`, after a success: what docker's word for it is. It is `dead`, or has ended, when
 * its monitor or its program is killed after that.
 */
const isNow = (ground: Ground, words: RegExp) => (): string | undefined => {
  const { stdout } = ground.pivot(["ps", "-a", "--format", "{{.Names}} {{.State}}"]);
  return words.test(stdout) ? undefined : `it succeeds, and ps says: ${stdout.trim()}`;
};

const startOf = (ground: Ground): Scenario => ({
  name: "start",
  call: { words: [...ground.roots(), "start", "one"] },
  check: isNow(ground, /^one (running|exited|dead)$/m),
  before: () => void ok(ground, "create", "--name", "one", "-m", "64m", "busybox", "true"),
  clear: clearContainers(ground),
});

const running = (ground: Ground) => (): void =>
  void ok(ground, "run", "-d", "--name", "one", "busybox", "sleep", "10000");

const stopOf = (ground: Ground): Scenario => ({
  name: "stop",
  call: { words: [...ground.roots(), "stop", "-t", "0", "one"] },
  check: isNow(ground, /^one exited$/m),
  before: running(ground),
  clear: clearContainers(ground),
});

const removeOf = (ground: Ground): Scenario => ({
  name: "rm -f",
  call: { words: [...ground.roots(), "rm", "-f", "one"] },
  check: isNow(ground, /^$/),
  before: running(ground),
  clear: clearContainers(ground),
});

const restartOf = (ground: Ground): Scenario => ({
  name: "restart",
  call: { words: [...ground.roots(), "restart", "-t", "0", "one"], leaves: true },
  check: isNow(ground, /^one (running|exited|dead)$/m),
  before: running(ground),
  clear: clearContainers(ground),
});

/** Of the engine, those in which the C program does most. */
export const containerScenarios = (ground: Ground): Scenario[] =>
  [runOf, detachedOf, execOf, startOf, stopOf, removeOf, restartOf].map((each) => each(ground));

/** A bundle, and what `pivot-oci` is told for it. */
export function ociScenarios(ground: Ground): Scenario[] {
  const bundle = `${ground.directory}/bundle`;
  const rootfs = `${bundle}/rootfs`;
  const roots = ["--root", `${ground.directory}/oci`];
  const oci = (...words: readonly string[]) => ground.command([ociPath, ...roots, ...words]);
  const mustWork = (...words: readonly string[]): void => {
    // Files: the container would keep pipes open.
    const script = `"$0" "$@" </dev/null >${ground.directory}/said 2>&1 || cat ${ground.directory}/said`;
    const { stdout } = ground.command(["sh", "-c", script, ociPath, ...roots, ...words]);
    if (stdout !== "") throw new Error(`${words.join(" ")}: ${stdout}`);
  };
  const begin = (): void => {
    for (const name of ["bin", "dev", "etc", "proc", "sys", "tmp"]) {
      mkdirSync(`${rootfs}/${name}`, { recursive: true });
    }
    if (existsSync(`${rootfs}/bin/sleep`)) return;
    copyFileSync("/bin/busybox", `${rootfs}/bin/busybox`);
    symlinkSync("busybox", `${rootfs}/bin/sleep`);
    const config = baseConfig(rootfs, "/faults");
    config.linux.resources = { pids: { limit: 20 } };
    writeFileSync(`${bundle}/config.json`, JSON.stringify(config));
  };
  const clear = (): string | undefined => {
    const state = oci("state", "one");
    if (state.code !== 0 && !/^pivot-oci: [^\n]+\n$/.test(state.stderr)) return state.stderr;
    const { code, stderr } = oci("delete", "--force", "one");
    return code === 0 && stderr === "" ? undefined : `then delete --force: ${code} ${stderr}`;
  };
  const call = (...words: readonly string[]): Call => ({
    words: [...roots, ...words],
    path: ociPath,
    leaves: true,
  });
  const create = (): void => mustWork("create", "--bundle", bundle, "one");
  const running_ = (): void => (create(), mustWork("start", "one"));
  return [
    { name: "create", call: call("create", "--bundle", bundle, "one"), begin, clear },
    { name: "start", call: call("start", "one"), begin, before: create, clear },
    { name: "kill", call: call("kill", "one", "KILL"), begin, before: running_, clear },
    { name: "delete", call: call("delete", "-f", "one"), begin, before: running_, clear },
  ].map((each) => ({ ...each, name: `pivot-oci ${each.name}` }));
}
