// Containers with a monitor, for tests: started by the real launcher, whose program is a script that
// hands a plan over as the command line does, and writes down what it is called with later.

import { spawn, spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { newId } from "../src/container/identity.ts";
import { prepareContainer } from "../src/container/prepare.ts";
import { defaultEngineOptions } from "../src/engine/options.ts";
import { decodePlan } from "../src/executor/decode.ts";
import { encodePlan } from "../src/executor/encode.ts";
import { readEvents } from "../src/executor/events.ts";
import { WireWriter } from "../src/executor/wire-writer.ts";
import type { RunOptions } from "../src/options/options.ts";
import type { Plan } from "../src/plan/op.ts";
import type { StreamFact } from "../src/planner/facts.ts";
import type { Monitor } from "../src/planner/setting.ts";
import { patience } from "./patience.ts";
import { type Ground, pivotPath, type Ran } from "./pivot.ts";

/** A container with a monitor, planned but not yet started. */
export type Planned = {
  readonly id: string;
  readonly state: string;
  readonly plan: Plan;
  readonly log: string;
  readonly exit: string;
  /** Changes to the plan are made by who starts it. */
  readonly launcher: string;
};

export type Wish = {
  readonly command: readonly string[];
  readonly options?: RunOptions;
  readonly monitor?: Partial<Monitor>;
  readonly streams?: readonly [StreamFact, StreamFact, StreamFact];
};

export const wait = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

export async function until(isSo: () => boolean, what: string, limit = 10_000): Promise<void> {
  for (let waited = 0; waited < limit * patience; waited += 5) {
    if (isSo()) return;
    await wait(5);
  }
  throw new Error(`it did not come to it that ${what}`);
}

/** Its letter of proc_pid_stat(5); empty when there is no such process. */
export function processState(pid: number): string {
  try {
    return /\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, "latin1"))?.[1] ?? "";
  } catch {
    return "";
  }
}

export const hasEnded = (pid: number): boolean => /^[Z]?$/.test(processState(pid));

export const numberIn = (path: string): number => Number.parseInt(readFileSync(path, "utf8"), 10);

let count = 0;

export async function planDetached(ground: Ground, wish: Wish): Promise<Planned> {
  const streams = wish.streams ?? (["null", "file", "file"] as const);
  const directory = `${ground.directory}/detached-${count++}`;
  mkdirSync(directory, { recursive: true });
  const log = `${directory}/log`;
  const exit = `${directory}/exit`;
  const id = newId();
  const launcher = `${directory}/pivot`;
  const { plan } = await prepareContainer({
    source: { kind: "image", reference: "busybox" },
    command: wish.command,
    options: wish.options ?? {},
    roots: { runRoot: ground.runRoot, dataRoot: ground.root },
    cwd: "/",
    streams,
    endWithCaller: false,
    engine: {
      id,
      options: () => defaultEngineOptions,
      monitor: () => ({
        announce: `${id}\n`,
        attach: null,
        log: { path: log, maxBytes: 0, files: 1 },
        exit,
        events: null,
        afterwards: [],
        health: null,
        environment: ["PATH=/usr/bin:/bin"],
        delay: 0,
        program: launcher,
        ...wish.monitor,
      }),
    },
  });
  const state = `${ground.runRoot}/${id}`;
  installLauncher(directory, plan);
  return { id, plan, log, exit, state, launcher };
}

/** What the program writes to the executor. */
function handOverBytes(plan: Plan): Buffer {
  const bytes = encodePlan(plan);
  const head = new WireWriter();
  head.u32(0);
  head.texts(["internal-report"]);
  head.patch32(0, head.length - 4 + bytes.length);
  return Buffer.concat([head.bytes.subarray(0, head.length), bytes]);
}

/**
 * A copy of the launcher, beside which stands a program that hands this plan over when it is called
 * with `start`, and otherwise notes how it was called in `calls`.
 */
export function installLauncher(directory: string, plan: Plan): void {
  copyFileSync(pivotPath, `${directory}/pivot`);
  writeFileSync(`${directory}/plan`, handOverBytes(plan));
  writeFileSync(
    `${directory}/pivot-program`,
    `#!/bin/bash
if [ "$1" = start ]; then
  cat ${directory}/plan >&"$PIVOT_PLAN_FD"
  exec sleep 1000
fi
echo "$(pwd) $PATH: $*" >>${directory}/calls
if [ "$1" = health ]; then sleep 0.2; echo "$*: health has ended" >>${directory}/calls; fi
if [ "$1" = internal-report ]; then cat <&3 >${directory}/report; exit 99; fi
if [ "$1" = again ] && [ -e ${directory}/again ]; then
  mv ${directory}/again ${directory}/plan
  cat ${directory}/plan >&"$PIVOT_PLAN_FD"
  exec sleep 1000
fi
`,
  );
  chmodSync(`${directory}/pivot-program`, 0o755);
}

/** Lays a plan down with which the program answers `again`. */
export function planAgain({ launcher }: Planned, plan: Plan): void {
  writeFileSync(launcher.replace(/pivot$/, "again"), handOverBytes(plan));
}

export const callsOf = ({ launcher }: Planned): string[] => {
  const path = launcher.replace(/pivot$/, "calls");
  return existsSync(path) ? readFileSync(path, "utf8").trimEnd().split("\n") : [];
};

/** Starts it as a shell would in `id=$(…)`: a pipe that somebody keeps open would be waited for. */
export function startDetached({ launcher }: Planned): Ran {
  const { status, signal, stdout, stderr } = spawnSync(launcher, ["start"], {
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
    timeout: 20_000,
  });
  return { code: status, signal, stdout, stderr };
}

/** The process that waits for the start, in the background. */
export const spawnDetached = ({ launcher }: Planned) =>
  spawn(launcher, ["start"], { stdio: ["ignore", "pipe", "pipe"] });

/** Until nothing of it runs; gives what the file says of its end. */
export async function endOf(planned: Planned): Promise<string> {
  await until(() => !existsSync(planned.state), `${planned.state} is gone`);
  return readFileSync(planned.exit, "utf8");
}

/** The log without its times: `stdout F text` in each line. */
export const logLines = (path: string): string[] =>
  readFileSync(path, "latin1")
    .split("\n")
    .slice(0, -1)
    .map((line) => {
      const match = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z ((stdout|stderr) [FP] .*)$/s.exec(
        line,
      );
      if (match === null) throw new Error(`no line of a log: ${JSON.stringify(line)}`);
      return match[1] ?? "";
    });

/** The first thing that the executor wanted told. */
export function reportOf({ launcher }: Planned) {
  const bytes = readFileSync(launcher.replace(/pivot$/, "report"));
  const end = 4 + bytes.readUInt32LE(0);
  const [event] = readEvents(bytes.subarray(4, end)).events;
  const { plan, stepOfRecord } = decodePlan(bytes.subarray(end));
  if (event?.kind !== "failed") throw new Error(`told: ${JSON.stringify(event)}`);
  const step = plan.steps[stepOfRecord[event.record] ?? -1];
  if (step === undefined) throw new Error("it tells of no step");
  return { ...event, step };
}

export const childrenOf = (pid: number): number[] => {
  const path = `/proc/${pid}/task/${pid}/children`;
  const text = existsSync(path) ? readFileSync(path, "utf8") : "";
  return text.split(" ").flatMap((word) => (word === "" ? [] : [Number(word)]));
};

/** It is in the step `sleep`: waits in poll for some time. */
export function sleeps(pid: number): boolean {
  try {
    const [call = "", , , timeout = ""] = readFileSync(`/proc/${pid}/syscall`, "utf8").split(" ");
    return call === "7" && Number(timeout) > 1000 && Number(timeout) <= 60_000;
  } catch {
    return false;
  }
}
