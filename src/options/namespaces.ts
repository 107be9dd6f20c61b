// The namespaces of a container's configuration, and the names that go with them.

import type { LinuxNamespace, LinuxNamespaceType } from "../spec/mod.ts";
import type { ContainerFacts, RunningContainer } from "./facts.ts";
import { domainnameProblem, hostnameProblem } from "./name.ts";
import type { IpcMode, NamespaceMode, NetworkMode } from "./namespace-mode.ts";
import type { RunOptions } from "./options.ts";
import { isAbsolute } from "./path.ts";
import type { Findings } from "./problem.ts";
import { plainMode } from "./userns.ts";

/** Every mode with what holds when the options are silent. */
export interface NamespaceModes {
  readonly pid: NamespaceMode;
  readonly network: NetworkMode;
  readonly ipc: IpcMode;
  readonly uts: NamespaceMode;
  readonly cgroupns: NamespaceMode;
  readonly userns: NamespaceMode;
}

export function namespaceModes(options: RunOptions, facts: ContainerFacts): NamespaceModes {
  const { pid = "private", network = "private", ipc = "private", uts = "private" } = options;
  // With v1 the container's view of its cgroups is made by its mounts.
  const { cgroupns = facts.cgroups === "v2" ? "private" : "host" } = options;
  // Namespaces that belong to another user namespace can be joined only from within it (setns(2)).
  const owner = [network, pid, ipc].find((mode) => isContainer(mode)) ?? "private";
  const { userns = hasMaps(options) ? "private" : facts.rootless ? owner : "host" } = options;
  // Nobody can join what they are in (setns(2)).
  const users = facts.joinsOwnUsers === true ? "host" : plainMode(userns);
  return { pid, network, ipc, uts, cgroupns, userns: users };
}

/** Maps are those of a namespace of the container's own. */
export const hasMaps = ({ uidMap, gidMap, subuidName, subgidName }: RunOptions): boolean =>
  [uidMap, gidMap, subuidName, subgidName].some((given) => given !== undefined);

function isContainer(mode: NetworkMode | IpcMode): mode is { readonly container: string } {
  return typeof mode === "object" && "container" in mode;
}

/** Whether a container gets a namespace of its own in this mode, and not somebody else's. */
export function isOwn(mode: NetworkMode | IpcMode): boolean {
  if (typeof mode === "string") return mode !== "host";
  return "network" in mode || "pasta" in mode;
}

type JoinedType = Exclude<LinuxNamespaceType, "mount" | "time">;

/** For each type its option, and its file in /proc/PID/ns. */
const SOURCES: Readonly<Record<JoinedType, readonly [option: string, file: string]>> = {
  network: ["--network", "net"],
  uts: ["--uts", "uts"],
  pid: ["--pid", "pid"],
  ipc: ["--ipc", "ipc"],
  cgroup: ["--cgroupns", "cgroup"],
  user: ["--userns", "user"],
};

/** `linux.namespaces`: new ones, and those to join; what is the host's is not listed. */
export function specNamespaces(
  modes: NamespaceModes,
  hasTimeOffsets: boolean,
  facts: ContainerFacts,
  findings: Findings,
): readonly LinuxNamespace[] {
  const list: LinuxNamespace[] = [{ type: "mount" }];
  const add = (type: JoinedType, mode: NetworkMode | IpcMode): void => {
    if (mode === "host") return;
    const path = isOwn(mode) ? undefined : joinedPath(type, mode, facts, findings);
    list.push(path === undefined ? { type } : { type, path });
  };
  add("network", modes.network);
  add("uts", modes.uts);
  add("pid", modes.pid);
  add("ipc", modes.ipc);
  add("cgroup", modes.cgroupns);
  add("user", modes.userns);
  if (facts.rootless && modes.userns === "host") {
    findings.problem("--userns", "host", "only root can do without a user namespace");
  }
  if (hasTimeOffsets) list.push({ type: "time" });
  return list;
}

function joinedPath(
  type: JoinedType,
  mode: NetworkMode | IpcMode,
  facts: ContainerFacts,
  findings: Findings,
): string | undefined {
  const [option, file] = SOURCES[type];
  if (typeof mode === "string") return undefined;
  if ("path" in mode) {
    if (!isAbsolute(mode.path) || mode.path.includes("\0")) {
      findings.problem(option, `ns:${mode.path}`, "it is no absolute path");
    }
    return mode.path;
  }
  const container = runningContainer(mode, facts);
  if (container !== undefined) return `/proc/${container.pid}/ns/${file}`;
  if (isContainer(mode)) {
    findings.problem(option, `container:${mode.container}`, "no such container is running");
  }
  return undefined;
}

/** The container whose namespace is joined, if it is one that runs. */
export function runningContainer(
  mode: NetworkMode | IpcMode,
  facts: ContainerFacts,
): RunningContainer | undefined {
  if (!isContainer(mode)) return undefined;
  const { containers = {} } = facts;
  return Object.hasOwn(containers, mode.container) ? containers[mode.container] : undefined;
}

/** What the container calls its machine, and what of it has to be set. */
export interface Names {
  /** The machine's name as programs in the container will see it. */
  readonly hostname: string;
  readonly domainname: string;
  /** Whether the uts namespace is the container's own, so that its names are to be set. */
  readonly own: boolean;
}

/**
 * The names of a container: those asked for, else those of whom it shares its network with, else the
 * beginning of its id.
 */
export function containerNames(
  options: RunOptions,
  modes: NamespaceModes,
  facts: ContainerFacts,
  findings: Findings,
): Names {
  checkNames(options, modes, findings);
  const { uts, network } = modes;
  const shared = runningContainer(uts, facts) ?? runningContainer(network, facts);
  const byDefault =
    shared?.hostname ??
    (uts === "host" || network === "host" ? facts.hostname : facts.id.slice(0, 12));
  return {
    hostname: options.hostname ?? byDefault,
    domainname: options.domainname ?? shared?.domainname ?? "",
    own: isOwn(uts),
  };
}

function checkNames(options: RunOptions, { uts, network }: NamespaceModes, findings: Findings) {
  const { hostname, domainname } = options;
  if (hostname !== undefined) {
    const problem = hostnameProblem(hostname);
    if (problem !== null) findings.problem("-h, --hostname", hostname, problem);
    if (!isOwn(uts)) conflict("hostname and the UTS mode", "-h, --hostname", findings);
    else if (isContainer(network)) {
      conflict("hostname and the network mode", "-h, --hostname", findings);
    }
  }
  if (domainname !== undefined) {
    const problem = domainnameProblem(domainname);
    if (problem !== null) findings.problem("--domainname", domainname, problem);
    if (!isOwn(uts)) conflict("domainname and the UTS mode", "--domainname", findings);
  }
  if (!isContainer(network)) return;
  if ((options.dns ?? []).length > 0) conflict("dns and the network mode", "--dns", findings);
  if ((options.addHosts ?? []).length > 0) {
    conflict("custom host-to-IP mapping and the network mode", "--add-host", findings);
  }
}

function conflict(what: string, option: string, findings: Findings): void {
  findings.problem(option, null, `conflicting options: ${what}, which is somebody else's to set`);
}
