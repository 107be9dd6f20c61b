// The table of what OCI runtimes are timed at: the calls that an engine makes of them.

import { spawnSync } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { engineFileNames, type ociConfig, writeBundle } from "./bundle.ts";
import { command } from "./command.ts";
import { ociContradiction, ociProof } from "./oci-proof.ts";
import { ends, type Payload, type Site, stays } from "./site.ts";
import type { Word } from "./stopwatch.ts";

export interface Runtime {
  /** As rows of the result name it. */
  readonly name: string;
  /** The program, an absolute path. */
  readonly path: string;
}

/** `plain`: no seccomp section, the mounts of bundle.ts; `full`: all that dockerd asks for. */
export const configs = ["plain", "full"] as const;
export type Config = (typeof configs)[number];

export interface TimedCommand {
  readonly argv: readonly string[];
  readonly wait: Word["wait"];
  /** Set when the command has a row of its own. */
  readonly title?: string;
}

/** Something that is done once in a round: a line of the stopwatch. */
export interface OciCase {
  /** Such as `lifecycle-full`: the same for all runtimes. */
  readonly id: string;
  readonly runtime: Runtime;
  readonly config: Config;
  /** How the whole line is called. */
  readonly title: string;
  readonly commands: () => readonly TimedCommand[];
  /** Run after each round, untimed, all at once. */
  readonly afterwards?: readonly (readonly string[])[];
  /** Sets the case up and returns what is wrong with what the runtime makes. */
  readonly prove: () => string | undefined;
  /** Called when the first round is over, before what comes afterwards. */
  readonly check?: () => string | undefined;
  /** Removes what is left of its containers. */
  readonly reset: () => void;
}

/** Containers that are started at the same time. */
const crowd = 50;

/** Standard streams that are no pipes of ours: a container would keep them open. */
function quietly(argv: readonly string[], output: number | "ignore" = "ignore"): void {
  const [program = "", ...args] = argv;
  const { status } = spawnSync(program, args, { stdio: ["ignore", output, "inherit"] });
  if (status !== 0) throw new Error(`${argv.join(" ")}: status ${status}`);
}

/** Writes a bundle, once: each container has one, for the sake of its cgroup. */
function bundleOf(site: Site, { name }: Runtime, config: Config, payload: Payload, id: string) {
  const { bench, seccomp, prepared } = site;
  const directory = join(bench.dir, `oci-${name}-${config}-${payload.name}-${id}`);
  if (existsSync(directory)) return directory;
  const options = { root: prepared, argv: payload.argv, cgroupsPath: cgroupOf(site, name, id) };
  if (config === "plain") return writeBundle(directory, options);
  if ("unavailable" in seccomp) throw new Error(seccomp.unavailable);
  const engineFiles = makeEngineFiles(join(bench.dir, "oci-files"));
  return writeBundle(directory, { ...options, seccomp: seccomp.section, engineFiles });
}

const cgroupOf = ({ bench }: Site, name: string, id: string) => `${bench.cgroupPath}/${name}-${id}`;

function makeEngineFiles(directory: string): string {
  if (existsSync(directory)) return directory;
  mkdirSync(directory);
  for (const name of engineFileNames) writeFileSync(join(directory, name), "127.0.0.1 floor\n");
  return directory;
}

/** What a bundle's configuration mounts, masks and makes read-only, as far as the kernel has it. */
function mountedPlaces(bundle: string): string[] {
  const text = readFileSync(join(bundle, "config.json"), "utf8");
  const { mounts, linux } = JSON.parse(text) as ReturnType<typeof ociConfig>;
  const hidden = [...linux.maskedPaths, ...linux.readonlyPaths].filter(existsSync);
  return [...mounts.map(({ destination }) => destination), ...hidden];
}

/** The calls of one runtime with one configuration. */
export class Calls {
  readonly site: Site;
  readonly runtime: Runtime;
  readonly config: Config;

  constructor(site: Site, runtime: Runtime, config: Config) {
    this.site = site;
    this.runtime = runtime;
    this.config = config;
  }

  call(...words: string[]): string[] {
    return [this.runtime.path, "--root", `/run/pivot-bench-${this.runtime.name}`, ...words];
  }

  bundle(payload: Payload, id: string): string {
    return bundleOf(this.site, this.runtime, this.config, payload, id);
  }

  /** `create`, `run` and the like: with a bundle. */
  make(word: string, payload: Payload, id: string, ...options: string[]): string[] {
    return this.call(word, ...options, "--bundle", this.bundle(payload, id), id);
  }

  remove(...ids: string[]): void {
    for (const id of ids) spawnSync(this.runtime.path, this.call("delete", "--force", id).slice(1));
  }

  status(id: string): string {
    return (JSON.parse(command(this.call("state", id))) as { status: string }).status;
  }

  contradiction(printed: string): string | undefined {
    const mounted = mountedPlaces(this.bundle(ociProof, "proof"));
    return ociContradiction(printed, { seccomp: this.config === "full", mounted });
  }

  /** Leaves a container that is created or runs, with a payload that stays. */
  leave(word: "create" | "run", id: string): void {
    const options = word === "run" ? ["--detach"] : [];
    quietly(this.make(word, stays, id, ...options));
  }

  proveRun(): string | undefined {
    return this.contradiction(command(this.make("run", ociProof, "proof")));
  }

  /** The same way as it is timed: by create, start and delete. */
  proveLifecycle(): string | undefined {
    const file = join(this.site.bench.dir, `oci-output-${this.runtime.name}-${this.config}`);
    const output = openSync(file, "w");
    quietly(this.make("create", ociProof, "proof"), output);
    closeSync(output);
    quietly(this.call("start", "proof"));
    for (let tries = 0; this.status("proof") !== "stopped"; tries++) {
      if (tries === 100) return "the payload did not end";
      Bun.sleepSync(20);
    }
    quietly(this.call("delete", "proof"));
    return this.contradiction(readFileSync(file, "utf8"));
  }
}

/** All cases, in the order of the table; runtimes stand together within a case. */
export function ociCases(site: Site, runtimes: readonly Runtime[]): OciCase[] {
  const calls = configs.map((config) =>
    runtimes.map((runtime) => new Calls(site, runtime, config)),
  );
  const full = calls[1] ?? [];
  return [
    ...calls.flatMap((each) => each.map(lifecycleCase)),
    ...calls.flatMap((each) => each.map(runCase)),
    ...["state", "exec", "kill", "list"].flatMap((word) =>
      full.map((each) => onRunning(each, word)),
    ),
    ...full.map(crowdCase),
  ];
}

const idOf = (operation: string, config: Config): string =>
  config === "plain" ? operation : `${operation}-${config}`;

function lifecycleCase(calls: Calls): OciCase {
  const { runtime, config } = calls;
  return {
    id: idOf("lifecycle", config),
    runtime,
    config,
    title: "create + start + delete",
    commands: () => [
      { title: "create", argv: calls.make("create", ends, "lifecycle"), wait: "left" },
      // The payload's end is waited for, as an engine does before it deletes.
      { title: "start", argv: calls.call("start", "lifecycle"), wait: "settled" },
      { title: "delete", argv: calls.call("delete", "lifecycle"), wait: "settled" },
    ],
    prove: () => calls.proveLifecycle(),
    reset: () => calls.remove("lifecycle", "proof"),
  };
}

function runCase(calls: Calls): OciCase {
  const { runtime, config } = calls;
  return {
    id: idOf("run", config),
    runtime,
    config,
    title: "run",
    commands: () => [{ argv: calls.make("run", ends, "run"), wait: "settled" }],
    prove: () => calls.proveRun(),
    reset: () => calls.remove("run", "proof"),
  };
}

/** A command on a container that runs. */
function onRunning(calls: Calls, word: string): OciCase {
  const { runtime, config } = calls;
  const id = `running-${word}`;
  const words: Readonly<Record<string, string[]>> = {
    exec: ["exec", id, ...ends.argv],
    kill: ["kill", id, "0"],
    list: ["list"],
  };
  const argv = calls.call(...(words[word] ?? [word, id]));
  const prove = (): string | undefined => {
    calls.leave("run", id);
    if (word === "exec")
      return calls.contradiction(command(calls.call("exec", id, ...ociProof.argv)));
    const printed = command(argv);
    // Of `kill` there is nothing to see but that it succeeds.
    if (word === "kill" || (printed.includes(id) && printed.includes("running"))) return undefined;
    return `${word} does not show the container: ${JSON.stringify(printed.slice(0, 80))}`;
  };
  const title = word === "exec" ? "exec true" : word === "kill" ? "kill 0" : word;
  const commands = () => [{ argv, wait: "settled" as const }];
  return { id: word, runtime, config, title, commands, prove, reset: () => calls.remove(id) };
}

function crowdCase(calls: Calls): OciCase {
  const { runtime, config } = calls;
  const ids = Array.from({ length: crowd }, (_, index) => `crowd-${index}`);
  return {
    id: "crowd",
    runtime,
    config,
    title: `${crowd} × run --detach at once`,
    commands: () =>
      ids.map((id) => ({
        argv: calls.make("run", stays, id, "--detach"),
        wait: "together" as const,
      })),
    afterwards: ids.map((id) => calls.call("delete", "--force", id)),
    prove: () => calls.proveRun(),
    check: () => {
      const asleep = ids.filter((id) => calls.status(id) !== "running");
      return asleep.length === 0 ? undefined : `${asleep.join(", ")} did not run`;
    },
    reset: () => calls.remove(...ids, "proof"),
  };
}
