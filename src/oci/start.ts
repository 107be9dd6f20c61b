/** `start`: the program of a created container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { planSeccompAgent, seccompAgentOf } from "../planner/seccomp-agent.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import type { Container } from "./record.ts";

/**
 * The steps that start a container, and end it again when a poststart hook fails (runtime.md,
 * "Lifecycle", 9).
 *
 * @throws WishError when it is not created, or was started before
 */
export function planStart(container: Container, spec: Spec): Step[] {
  const { id, directory, status, process, record } = container;
  if (status !== "created" || process === null || record === null) {
    throw new WishError([
      status === "running" || status === "paused"
        ? `cannot start an already running container: ${id}`
        : `cannot start a container that has ${status === "creating" ? "not been created yet" : status}: ${id}`,
    ]);
  }
  const setting = { id, runRoot: "", bundle: { directory: record.bundle, config: null } };
  const end = { op: "signal", ...process, signal: 9, wait: true, required: false } as const;
  return [
    byParent(lock(onHost(directory)), "no other command changes it meanwhile"),
    ...planSeccompAgent(spec, setting, seccompAgentOf(spec)),
    // The state tells hooks the pid of the process, which is no child of this executor.
    {
      ...byParent(
        { op: "start", at: onHost(`${directory}/start`), pid: process.pid },
        "start",
        end,
      ),
      keep: true,
    },
    ...planHooksOf("poststart", { spec, setting }),
  ];
}
