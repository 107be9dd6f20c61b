/** The program that a filter with SCMP_ACT_NOTIFY asks, and what it is told of the container. */

import type { Step } from "../plan/op.ts";
import { OCI_VERSION, type Spec } from "../spec/mod.ts";
import { stateDirectory } from "./root.ts";
import type { SeccompAgent, Setting } from "./setting.ts";
import { byParent } from "./step.ts";

/** The end of an object that goes on after a number: `,"a":1}` of `{"a":1}`. */
const rest = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(fields).replace(/^\{/, ",");

/**
 * The Container Process State of config-linux.md in pieces: between them goes the pid, which is
 * not known before the process is there.
 */
export function processState(
  spec: Spec,
  setting: Pick<Setting, "id" | "runRoot" | "bundle">,
  metadata: string | null,
): string[] {
  const version = JSON.stringify(OCI_VERSION);
  const id = JSON.stringify(setting.id);
  const said = metadata === null ? "" : `,"metadata":${JSON.stringify(metadata)}`;
  const bundle = setting.bundle?.directory ?? stateDirectory(setting);
  const annotations = spec.annotations === undefined ? {} : { annotations: spec.annotations };
  return [
    `{"ociVersion":${version},"fds":["seccompFd"],"pid":`,
    `${said},"state":{"ociVersion":${version},"id":${id},"status":"creating","pid":`,
    `${rest({ bundle, ...annotations })}}`,
  ];
}

/** Whom a filter asks, as the configuration has it; null when it asks nobody. */
export function seccompAgentOf({ linux }: Spec): SeccompAgent | null {
  const { listenerPath: path, listenerMetadata, defaultAction, syscalls } = linux?.seccomp ?? {};
  const actions = [defaultAction, ...(syscalls ?? []).map(({ action }) => action)];
  if (path === undefined || !actions.includes("SCMP_ACT_NOTIFY")) return null;
  return { path, metadata: listenerMetadata ?? null };
}

const connect = (path: string, state: readonly string[]): Step =>
  byParent({ op: "seccomp_agent", path, state }, "linux.seccomp.listenerPath");

/** Connected to before anything is made for the container: an agent that is not there is no start. */
export function planSeccompAgent(
  spec: Spec,
  setting: Pick<Setting, "id" | "runRoot" | "bundle">,
  agent: SeccompAgent | null,
): Step[] {
  return agent === null ? [] : [connect(agent.path, processState(spec, setting, agent.metadata))];
}

/** The same for a process that is added to the container whose first process is `pid`. */
export function planSeccompAgentOfExec(
  spec: Spec,
  setting: Pick<Setting, "id" | "runRoot" | "bundle">,
  pid: number,
  agent: SeccompAgent | null,
): Step[] {
  if (agent === null) return [];
  const [first = "", ...others] = processState(spec, setting, agent.metadata);
  return [
    connect(agent.path, [first, others.join(String(pid)).replace('"creating"', '"running"')]),
  ];
}
