/** The program that a filter with SCMP_ACT_NOTIFY asks, and what it is told of the container. */

import type { Step } from "../plan/op.ts";
import { OCI_VERSION, type Spec } from "../spec/mod.ts";
import { stateDirectory } from "./root.ts";
import type { Setting } from "./setting.ts";
import { byParent } from "./step.ts";

/** The end of an object that goes on after a number: `,"a":1}` of `{"a":1}`. */
const rest = (fields: Readonly<Record<string, unknown>>): string =>
  JSON.stringify(fields).replace(/^\{/, ",");

/**
 * The Container Process State of config-linux.md in pieces: between them goes the pid, which is
 * not known before the process is there.
 */
export function processState(spec: Spec, setting: Setting, metadata: string | null): string[] {
  const version = JSON.stringify(OCI_VERSION);
  const id = JSON.stringify(setting.id);
  const said = metadata === null ? "" : `,"metadata":${JSON.stringify(metadata)}`;
  const bundle = setting.bundle ?? stateDirectory(setting);
  const annotations = spec.annotations === undefined ? {} : { annotations: spec.annotations };
  return [
    `{"ociVersion":${version},"fds":["seccompFd"],"pid":`,
    `${said},"state":{"ociVersion":${version},"id":${id},"status":"creating","pid":`,
    `${rest({ bundle, ...annotations })}}`,
  ];
}

/** Connected to before anything is made for the container: an agent that is not there is no start. */
export function planSeccompAgent(spec: Spec, setting: Setting): Step[] {
  const agent = setting.seccomp?.agent;
  if (agent === undefined) return [];
  const state = processState(spec, setting, agent.metadata);
  return [byParent({ op: "seccomp_agent", path: agent.path, state }, "linux.seccomp.listenerPath")];
}
