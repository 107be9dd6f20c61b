// What is asked for of a container beyond its OCI configuration.

import type { Profile } from "../seccomp/profile.ts";
import { crowdedName, type EgressEntry, parseEgressEntry } from "./egress.ts";
import {
  dnsOptionProblem,
  dnsSearchProblem,
  dnsServerProblem,
  type HostEntry,
  hostEntryProblem,
} from "./host-entry.ts";
import type { ImageConfig } from "./image-config.ts";
import type { ContainerMounts, Relabelling } from "./mounts.ts";
import { containerNameProblem } from "./name.ts";
import type { NetworkMode } from "./namespace-mode.ts";
import { isOwn, type Names, type NamespaceModes } from "./namespaces.ts";
import type { RootSwitch, RunOptions } from "./options.ts";
import type { Findings } from "./problem.ts";
import { parseSignal } from "./signal.ts";
import { parseGroup, parseUser } from "./user.ts";
import type { VolumeUse } from "./volume-mount.ts";

/** What is asked for and has no place in an OCI configuration, with docker's defaults filled in. */
export interface ContainerExtras {
  /** `NAME|UID[:GROUP|GID]`, to look up in the container; `process.user` has root meanwhile. */
  readonly user: string;
  /** Further groups, names or numbers. */
  readonly groups: readonly string[];
  /** The filter to compile; `linux.seccomp` is left out. */
  readonly seccomp: "default" | "unconfined" | Profile;
  readonly init: boolean;
  readonly interactive: boolean;
  readonly tty: boolean;
  readonly signalProxy: boolean;
  /** A number. */
  readonly stopSignal: number;
  readonly rootSwitch: RootSwitch;
  readonly network: NetworkMode;
  /** What may be reached; null: everything. */
  readonly egress: readonly EgressEntry[] | null;
  /** For /etc/hostname and /etc/hosts: also where the uts namespace is not the container's own. */
  readonly hostname: string;
  readonly domainname: string;
  /** For /etc/resolv.conf; empty lists: as the host has it. */
  readonly dns: DnsSettings;
  /** Lines for /etc/hosts. */
  readonly hosts: readonly HostEntry[];
  /** The image's, and those asked for over them. */
  readonly labels: Readonly<Record<string, string>>;
  /** What SELinux is told, as given. */
  readonly selinux: readonly string[];
  /** Directories of the host to label for SELinux. */
  readonly relabel: readonly Relabelling[];
  /** Directories of the host to make if nothing is there. */
  readonly createSources: readonly string[];
  /** Destinations of mounts whose files are given to the container's user. */
  readonly chown: readonly string[];
  /** Volumes among the mounts. */
  readonly volumes: readonly VolumeUse[];
  /** One line each: what is odd but no reason to stop. */
  readonly warnings: readonly string[];
}

export interface DnsSettings {
  readonly servers: readonly string[];
  readonly search: readonly string[];
  readonly options: readonly string[];
}

/** SIGTERM. */
const STOP_SIGNAL = 15;

interface ExtrasView {
  readonly modes: NamespaceModes;
  readonly names: Names;
  readonly mounts: ContainerMounts;
  readonly findings: Findings;
}

export function containerExtras(
  image: ImageConfig | null,
  options: RunOptions,
  { modes, names, mounts, findings }: ExtrasView,
): ContainerExtras {
  const { securityOpt: security = {}, name } = options;
  const nameProblem = name === undefined ? null : containerNameProblem(name);
  if (nameProblem !== null) findings.problem("--name", name ?? "", nameProblem);
  if (options.init === true && !isOwn(modes.pid)) {
    findings.warning("--init is left out: the container has no pid namespace of its own");
  }
  return {
    user: userNameOf(image, options, findings),
    groups: (options.groupAdd ?? []).flatMap((group) => findings.take(parseGroup(group)) ?? []),
    seccomp: security.seccomp ?? (options.privileged === true ? "unconfined" : "default"),
    init: options.init === true && isOwn(modes.pid),
    interactive: options.interactive === true,
    tty: options.tty === true,
    signalProxy: options.signalProxy ?? true,
    stopSignal: stopSignalOf(image, options, findings),
    rootSwitch: options.rootSwitch ?? "pivot",
    network: modes.network,
    egress: egressOf(options, findings),
    hostname: names.hostname,
    domainname: names.domainname,
    dns: dnsOf(options, findings),
    hosts: hostsOf(options, findings),
    labels: { ...image?.Labels, ...options.labels },
    selinux: security.labels ?? [],
    relabel: mounts.relabel,
    createSources: mounts.createSources,
    chown: mounts.chown,
    volumes: mounts.volumes,
    warnings: findings.warnings,
  };
}

function userNameOf(image: ImageConfig | null, { user }: RunOptions, findings: Findings): string {
  const given = (user || image?.User) ?? "";
  if (given === "") return "0";
  const choice = findings.take(parseUser(given, user ? "-u, --user" : "IMAGE"));
  if (choice === undefined) return given;
  return choice.group === null ? choice.user : `${choice.user}:${choice.group}`;
}

function stopSignalOf(
  image: ImageConfig | null,
  { stopSignal }: RunOptions,
  findings: Findings,
): number {
  const given = String(stopSignal ?? "") || image?.StopSignal;
  if (given === undefined || given === "") return STOP_SIGNAL;
  const option = stopSignal === undefined ? "IMAGE" : "--stop-signal";
  return findings.take(parseSignal(given, option)) ?? STOP_SIGNAL;
}

function dnsOf(options: RunOptions, findings: Findings): DnsSettings {
  const checked = (
    list: readonly string[] | undefined,
    option: string,
    problemOf: (text: string) => string | null,
  ): readonly string[] => {
    for (const text of list ?? []) {
      const problem = problemOf(text);
      if (problem !== null) findings.problem(option, text, problem);
    }
    return list ?? [];
  };
  return {
    servers: checked(options.dns, "--dns", dnsServerProblem),
    search: checked(options.dnsSearch, "--dns-search", dnsSearchProblem),
    options: checked(options.dnsOptions, "--dns-option", dnsOptionProblem),
  };
}

function egressOf({ egress }: RunOptions, findings: Findings): readonly EgressEntry[] | null {
  if (egress === undefined) return null;
  const entries = egress.flatMap((text) => findings.take(parseEgressEntry(text)) ?? []);
  const crowded = crowdedName(entries);
  if (crowded !== null) {
    const words = `more than 16 entries apply to ${crowded}: without a port one is enough for all`;
    findings.problem("--egress", null, words);
  }
  return entries;
}

function hostsOf({ addHosts = [] }: RunOptions, findings: Findings): readonly HostEntry[] {
  for (const entry of addHosts) {
    const problem = hostEntryProblem(entry);
    if (problem !== null) findings.problem("--add-host", `${entry.name}:${entry.address}`, problem);
  }
  return addHosts;
}
