/** `kill`: a signal for a container's process, or for all of them. */

import { UsageError } from "../cli/arguments.ts";
import { WishError } from "../container/wish-error.ts";
import { encodePlan } from "../executor/encode.ts";
import { encodeWithParameter } from "../executor/parameter.ts";
import { parseSignal } from "../options/signal.ts";
import type { Plan, Step } from "../plan/op.ts";
import { byParent, onHost } from "../planner/step.ts";
import { freezerOf, planFreeze, planThawOf } from "./freeze.ts";
import { type Container, processFile } from "./record.ts";

const SIGKILL = 9;

/** The number of a signal by name or number; 0 only asks whether the process is there. */
export function signalNumber(text: string): number {
  if (text === "0") return 0;
  const parsed = parseSignal(text, "SIGNAL");
  if (parsed.ok) return parsed.value;
  throw new UsageError(
    `unknown signal ${JSON.stringify(text)}: expected a name such as TERM, or a number`,
  );
}

const planSignal = (directory: string, signal: number): Step =>
  byParent(
    { op: "signal", of: processFile(directory), signal, wait: false, patience: 0, required: true },
    "kill",
  );

/**
 * What `kill ID NUMBER` does, planned with the container, for the launcher: `native/kept.c`. Who may
 * be paused is thawed for SIGKILL: so that has a plan of its own.
 */
export function keptKillPlans(directory: string, cgroups: readonly string[]) {
  const end: Plan = {
    version: 1,
    steps: [planSignal(directory, SIGKILL), ...planThawOf(cgroups)],
  };
  return [
    {
      name: "kill.plan",
      bytes: encodeWithParameter((signal) => ({
        version: 1,
        steps: [planSignal(directory, signal)],
      })),
    },
    { name: "kill-9.plan", bytes: encodePlan(end) },
  ];
}

/**
 * The steps that send a signal.
 *
 * @param all to every process of its cgroups, also when the first one has ended
 * @throws WishError when the container does not run
 */
export function planKill(container: Container, signal: number, all: boolean): Step[] {
  const { id, directory, process, record, status } = container;
  // Where they can be stopped, so that none is forked unseen while they are signalled.
  const cgroup = freezerOf(container) ?? record?.cgroups[0];
  // Who is frozen by cgroup version 1 does not even end.
  const thaw = signal === SIGKILL && status === "paused" ? planFreeze(container, false) : [];
  if (all && cgroup !== undefined) {
    return [byParent({ op: "signal_cgroup", at: onHost(cgroup), signal }, "kill --all"), ...thaw];
  }
  if (all && status === "stopped") return [];
  if (process === null) {
    throw new WishError([
      `container not running: ${id} is ${status}: there is no process to signal`,
    ]);
  }
  return [planSignal(directory, signal), ...thaw];
}
