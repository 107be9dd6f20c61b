/** `start`: the program of a created container. */

import { WishError } from "../container/wish-error.ts";
import type { Step } from "../plan/op.ts";
import { planHooksOf } from "../planner/hooks.ts";
import { planSeccompAgent, seccompAgentOf } from "../planner/seccomp-agent.ts";
import { byParent, lock, onHost } from "../planner/step.ts";
import type { Spec } from "../spec/mod.ts";
import { type Container, processFile } from "./record.ts";

const SIGKILL = 9;

/** A container, as far as the steps of its later life go by it. */
export type Later = {
  readonly id: string;
  /** Its state directory. */
  readonly directory: string;
  readonly bundle: string;
};

/**
 * The steps that start a container, and end it again when a poststart hook fails that must not
 * (runtime.md, "Lifecycle", 9).
 */
export function planStart({ id, directory, bundle }: Later, spec: Spec): Step[] {
  const setting = { id, runRoot: "", bundle: { directory: bundle, config: null } };
  const of = processFile(directory);
  const end = {
    op: "signal",
    of,
    signal: SIGKILL,
    wait: true,
    patience: 0,
    required: false,
  } as const;
  return [
    byParent(lock(onHost(directory)), "no other command changes it meanwhile"),
    ...planSeccompAgent(spec, setting, seccompAgentOf(spec)),
    {
      ...byParent({ op: "start", at: onHost(`${directory}/start`), of }, "start", end),
      keep: true,
    },
    ...planHooksOf("poststart", { spec, setting }),
  ];
}

/** @throws WishError when it is not created, or was started before */
export function checkStart({ id, status }: Container): void {
  if (status === "created") return;
  throw new WishError([
    status === "running" || status === "paused"
      ? `cannot start an already running container: ${id}`
      : `cannot start a container that has ${status === "creating" ? "not been created yet" : status}: ${id}`,
  ]);
}
