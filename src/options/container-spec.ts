// From an image, a command and options to the configuration of a container.

import type { Linux, Mount, Spec } from "../spec/mod.ts";
import { containerSysctls } from "./container-sysctls.ts";
import { wholeNumber } from "./count.ts";
import { SHM_SIZE } from "./default-mounts.ts";
import { type ContainerDevices, containerDevices } from "./devices.ts";
import { type ContainerExtras, containerExtras } from "./extras.ts";
import type { ContainerFacts } from "./facts.ts";
import type { ImageConfig } from "./image-config.ts";
import { type ContainerMounts, containerMounts } from "./mounts.ts";
import {
  containerNames,
  type NamespaceModes,
  namespaceModes,
  specNamespaces,
} from "./namespaces.ts";
import type { RunOptions } from "./options.ts";
import { Findings, type OptionProblem } from "./problem.ts";
import { containerProcess } from "./process.ts";
import { containerResources } from "./resources.ts";
import { systemPaths } from "./system-paths.ts";
import { containerTimeOffsets } from "./time-offsets.ts";

/** A configuration and what goes beyond it, or all that is wrong with the options. */
export type ContainerSpec =
  | { readonly ok: true; readonly spec: Spec; readonly extras: ContainerExtras }
  | { readonly ok: false; readonly problems: readonly OptionProblem[] };

/**
 * The OCI configuration of a container as docker 28 would make it, and what its engine has to know
 * besides.
 *
 * `image` is null for a root without an image. `command` replaces the image's command; empty, it does
 * not. All problems are found, not only the first.
 *
 * It differs from docker's in this: what has no limit is left out, where docker writes 0 or -1; the oom
 * score stays the caller's unless one is asked for, where docker makes it 0; the device rules that runc
 * adds are written out; and there is no least amount of memory.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { containerSpec } from "./mod.ts";
 *
 * const made = containerSpec({ Entrypoint: ["/bin/echo"], Cmd: ["hello"] }, [], { readOnly: true }, {
 *   id: "4bf9c0d1a2e35f60",
 *   root: "rootfs",
 *   hostname: "host",
 *   kernel: [6, 12],
 *   capabilities: ["CAP_CHOWN", "CAP_SYS_ADMIN"],
 *   cgroups: "v2",
 *   rootless: false,
 * });
 * assert(made.ok);
 * assert.deepEqual(made.spec.process?.args, ["/bin/echo", "hello"]);
 * assert.deepEqual(made.spec.process?.capabilities?.bounding, ["CAP_CHOWN"]);
 * assert.equal(made.spec.hostname, "4bf9c0d1a2e3");
 * ```
 */
export function containerSpec(
  image: ImageConfig | null,
  command: readonly string[],
  options: RunOptions,
  facts: ContainerFacts,
): ContainerSpec {
  const findings = new Findings();
  const modes = namespaceModes(options, facts);
  const names = containerNames(options, modes, facts, findings);
  const mounts = mountsOf(options, modes, facts, findings);
  const process = containerProcess(image, command, options, { names, facts, findings });
  const devices = containerDevices(options, facts, isInUserNamespace(modes, facts), findings);
  const linux = linuxOf(options, modes, mounts, { facts, findings, devices });
  const extras = containerExtras(image, options, { modes, names, mounts, findings });
  if (findings.problems.length > 0) return { ok: false, problems: findings.problems };
  const { hostname, domainname, own } = names;
  const annotations = options.annotations;
  const spec: Spec = {
    ociVersion: "1.3.0",
    root: { path: facts.root, ...(options.readOnly === true ? { readonly: true } : {}) },
    mounts: [...mounts.mounts, ...devices.shown.map(shownDevice)],
    process,
    ...(own ? { hostname } : {}),
    ...(own && domainname !== "" ? { domainname } : {}),
    ...(annotations === undefined ? {} : { annotations }),
    linux,
  };
  return { ok: true, spec, extras };
}

/** One of its own, or that of the engine. */
const isInUserNamespace = (modes: NamespaceModes, facts: ContainerFacts): boolean =>
  modes.userns !== "host" || facts.userNamespace !== undefined;

function mountsOf(
  options: RunOptions,
  modes: NamespaceModes,
  facts: ContainerFacts,
  findings: Findings,
): ContainerMounts {
  const shmSize = wholeNumber(options.shmSize, "--shm-size", findings) ?? 0n;
  const view = {
    modes,
    facts,
    privileged: options.privileged === true,
    inUserNamespace: isInUserNamespace(modes, facts),
    shmSize: shmSize === 0n ? SHM_SIZE : shmSize,
    procOptions: options.procOptions ?? {},
  };
  return containerMounts(options, view, findings);
}

const shownDevice = ([source, destination]: readonly [string, string]): Mount => ({
  destination,
  type: "bind",
  source,
  options: ["bind", "rprivate", "nosuid", "noexec"],
});

interface LinuxView {
  readonly devices: ContainerDevices;
  readonly facts: ContainerFacts;
  readonly findings: Findings;
}

function linuxOf(
  options: RunOptions,
  modes: NamespaceModes,
  mounts: ContainerMounts,
  { facts, findings, devices }: LinuxView,
): Linux {
  const inUserNamespace = isInUserNamespace(modes, facts);
  const offsets = containerTimeOffsets(options, facts, findings);
  const resources = containerResources(options, devices.rules, facts, findings);
  const paths = systemPaths(options, facts.sensorPaths ?? [], findings);
  const propagation = options.rootPropagation ?? mounts.rootPropagation;
  const mappings = modes.userns === "private" ? facts.idMappings : undefined;
  const sysctl = containerSysctls(options, modes, inUserNamespace, findings);
  return {
    namespaces: specNamespaces(modes, offsets !== undefined, facts, findings),
    ...(mappings === undefined ? {} : { uidMappings: mappings.uid, gidMappings: mappings.gid }),
    ...(offsets === undefined ? {} : { timeOffsets: offsets }),
    ...(devices.nodes.length === 0 ? {} : { devices: devices.nodes }),
    ...(resources === undefined ? {} : { resources }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...(Object.keys(sysctl).length === 0 ? {} : { sysctl }),
    ...(paths.masked.length === 0 ? {} : { maskedPaths: paths.masked }),
    ...(paths.readonly.length === 0 ? {} : { readonlyPaths: paths.readonly }),
  };
}
