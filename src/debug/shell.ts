/** A shell in a container that is half made: in the namespaces of its first process as they are now. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { chooseStreams } from "../container/streams.ts";
import { describeFailure } from "../executor/failure.ts";
import { executePlan } from "../executor/spawn.ts";
import { foreignNamespaces } from "../host/join.ts";
import type { Op, Plan } from "../plan/op.ts";
import { planExec } from "../planner/exec.ts";
import type { Facts } from "../planner/facts.ts";
import { byParent, onHost } from "../planner/step.ts";
import { readBounded } from "../verify/process-handle.ts";

const searchPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export type ShellWish = {
  /** Run by `sh -c`; empty: a shell at the terminal. */
  readonly command: string;
  /** The state directory of the half-made container. */
  readonly directory: string;
  readonly facts: Facts;
};

/** proc_pid_stat(5): when it began, so that no other process is taken for it. */
const startOf = (pid: number): string => {
  const text = readBounded(`/proc/${pid}/stat`, 4096);
  return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "0";
};

/** The container's first process is not written down yet at each stop: so who enters it does. */
export function planShell(pid: number, { command, directory, facts }: ShellWish): Plan {
  const terminal = command === "";
  const of = onHost(`${directory}/entered`);
  const written: Op = {
    op: "write",
    at: of,
    text: `${pid} ${startOf(pid)}`,
    how: "replace",
    mode: 0o600,
  };
  const target = {
    of,
    namespaces: foreignNamespaces(pid),
    linux: undefined,
    agent: [],
    cgroupFiles: [],
    attach: null,
    root: null,
  };
  const process_ = {
    terminal,
    args: command === "" ? ["sh"] : ["sh", "-c", command],
    env: [searchPath, `TERM=${process.env["TERM"] ?? "dumb"}`, "PS1=inside # "],
    cwd: "/",
    user: { uid: 0, gid: 0 },
    capabilities: {
      bounding: facts.capabilities,
      effective: facts.capabilities,
      permitted: facts.capabilities,
    },
  };
  const { plan } = planExec(
    target,
    process_,
    {
      user: null,
      groups: [],
      seccomp: null,
      streams: chooseStreams({ interactive: terminal, tty: terminal }, facts.streams),
      terminalInput: terminal,
      lifetime: "supervised",
      consoleSocket: null,
      preserveFds: 0,
      pidFile: null,
      bundle: null,
      passSignals: true,
      endWithCaller: true,
    },
    facts,
  );
  const removed: Op = { op: "remove", at: of };
  return { ...plan, steps: [byParent(written, "whom to enter", removed), ...plan.steps] };
}

/** @returns what went wrong before it ran, in one line, or null */
export async function shellInside(pid: number, wish: ShellWish): Promise<string | null> {
  const plan = planShell(pid, wish);
  const stdin = wish.command === "" ? "inherit" : "ignore";
  const { failure } = await executePlan(plan, [stdin, "inherit", "inherit"]).outcome;
  return failure === null ? null : describeFailure(plan, failure);
}

/** Where the executor is: on the host. */
export async function shellOutside(command: string): Promise<string | null> {
  const stdin = command === "" ? "inherit" : "ignore";
  const args = command === "" ? [] : ["-c", command];
  const child = spawn("sh", args, {
    stdio: [stdin, "inherit", "inherit"],
    env: { ...process.env, PS1: "host # " },
  });
  try {
    await once(child, "close");
    return null;
  } catch (error) {
    return `no shell: ${error instanceof Error ? error.message : String(error)}`;
  }
}
