// The mounts of a container's configuration: the default ones, and those asked for.

import type { Mount, RootfsPropagation } from "../spec/mod.ts";
import { wholeNumber } from "./count.ts";
import { defaultMounts, hasRecursiveReadonly, type MountView } from "./default-mounts.ts";
import type { BindMount, MountOption, TmpfsMount } from "./mount-option.ts";
import { chownProblem, idmapMaps, idmapOption } from "./mount-owners.ts";
import type { RunOptions } from "./options.ts";
import { cleanPath, depthOf, isAbsolute, targetProblem } from "./path.ts";
import type { Findings } from "./problem.ts";
import { mergeTmpfsOptions } from "./tmpfs.ts";
import { type VolumeUse, volumeMount, volumeUses } from "./volume-mount.ts";

/** A directory of the host that gets an SELinux label. */
export interface Relabelling {
  readonly path: string;
  readonly label: "shared" | "private";
}

export interface ContainerMounts {
  /** In the order in which to mount them. */
  readonly mounts: readonly Mount[];
  /** What the mounts need the root's propagation to be; undefined: they need nothing. */
  readonly rootPropagation: RootfsPropagation | undefined;
  /** Directories of the host to make if nothing is there. */
  readonly createSources: readonly string[];
  readonly relabel: readonly Relabelling[];
  readonly volumes: readonly VolumeUse[];
  /** Destinations of mounts whose files are given to the container's user. */
  readonly chown: readonly string[];
}

/**
 * The mounts of a container: docker's default ones without those that something else is asked for in
 * place of, then those asked for, from the root downwards so that none hides another.
 */
export function containerMounts(
  options: RunOptions,
  view: MountView,
  findings: Findings,
): ContainerMounts {
  const wanted = wantedMounts(options, view, findings);
  const targets = new Set(wanted.map(({ destination }) => destination));
  const kept = defaultMounts(view, findings).filter(({ destination }) => {
    return !targets.has(destination) && !(targets.has("/dev") && destination.startsWith("/dev/"));
  });
  const binds = (options.mounts ?? []).filter((mount) => mount.type === "bind");
  return {
    mounts: [...kept, ...wanted],
    rootPropagation: rootPropagation(binds),
    createSources: binds.flatMap(({ source, createSource }) => {
      return createSource === true ? [cleanPath(source)] : [];
    }),
    relabel: binds.flatMap(({ source, relabel }) => {
      return relabel === undefined ? [] : [{ path: cleanPath(source), label: relabel }];
    }),
    chown: (options.mounts ?? []).flatMap((mount) =>
      mount.type !== "tmpfs" && mount.chown === true ? [cleanPath(mount.target)] : [],
    ),
    volumes: volumeUses(options.mounts ?? [], view.facts.volumes),
  };
}

function wantedMounts(options: RunOptions, view: MountView, findings: Findings): readonly Mount[] {
  const wanted: Mount[] = [];
  const targets = new Set<string>();
  const add = (
    option: string,
    mount: MountOption,
    make: (destination: string) => Mount | undefined,
  ) => {
    const { target } = mount;
    const problem = targetProblem(target);
    if (problem !== null) return findings.problem(option, target, problem);
    const destination = cleanPath(target);
    if (targets.has(destination)) {
      return findings.problem(option, destination, "duplicate mount point: it is asked for twice");
    }
    targets.add(destination);
    const owned = ownPlaceProblem(destination, mount);
    if (owned !== null) return findings.problem(option, destination, owned);
    const made = make(destination);
    if (made !== undefined) wanted.push(made);
  };
  for (const mount of options.mounts ?? []) {
    add(optionOf(mount), mount, (at) => specMount(mount, at, view, findings));
  }
  for (const [target, words] of Object.entries(options.tmpfs ?? {})) {
    add("--tmpfs", { type: "tmpfs", target }, (at) => tmpfs(at, words, findings));
  }
  return wanted.sort((a, b) => depthOf(a.destination) - depthOf(b.destination));
}

/**
 * Why nothing of the kind can take the place of what every container has there; null: it can. Without
 * procfs labels would be written to files of the image's making (CVE-2019-16884), and without devices
 * nothing starts.
 */
function ownPlaceProblem(destination: string, mount: MountOption): string | null {
  if (destination === "/proc") {
    const isHosts = mount.type === "bind" && cleanPath(mount.source) === "/proc";
    return isHosts
      ? null
      : "its processes are shown there: it can be covered by the host's /proc alone";
  }
  if (destination !== "/dev" || mount.type === "bind") return null;
  return "its devices are there: bind a directory that has them, or choose another path";
}

function specMount(
  mount: MountOption,
  destination: string,
  view: MountView,
  findings: Findings,
): Mount | undefined {
  switch (mount.type) {
    case "bind":
      return bind(mount, destination, view, findings);
    case "tmpfs":
      return tmpfs(destination, tmpfsWords(mount, findings), findings);
    case "volume":
      return volumeMount(mount, destination, view.facts, findings);
    default: {
      // Not from TypeScript, but a program in JavaScript can say anything.
      const { type }: { readonly type: string } = mount;
      findings.problem("--mount", destination, `mount type '${type}' unknown`);
      return undefined;
    }
  }
}

/** `-v` is the option that makes missing sources and knows volumes by their name alone. */
function optionOf(mount: MountOption): string {
  const short = mount.type === "volume" || (mount.type === "bind" && mount.createSource === true);
  return short ? "-v, --volume" : "--mount";
}

function bind(
  mount: BindMount,
  destination: string,
  { facts }: MountView,
  findings: Findings,
): Mount | undefined {
  const { source, recursive = "enabled", propagation = "rprivate" } = mount;
  const option = optionOf(mount);
  if (!isAbsolute(source) || source.includes("\0")) {
    findings.problem(option, source, "the source is an absolute path of the host");
    return undefined;
  }
  const canRecurse = hasRecursiveReadonly(facts.kernel);
  if (recursive === "readonly" && !canRecurse) {
    findings.problem(option, destination, "read-only with all mounts below needs Linux 5.12");
  }
  const dangerous = mount.chown === true ? chownProblem(cleanPath(source)) : null;
  if (dangerous !== null) findings.problem(option, source, dangerous);
  if (mount.readonly !== true && (recursive === "readonly" || recursive === "writable")) {
    findings.problem(option, destination, `bind-recursive=${recursive} goes with readonly only`);
  }
  if (recursive === "readonly" && propagation !== "rprivate") {
    findings.problem(
      option,
      destination,
      "bind-recursive=readonly goes with bind-propagation=rprivate only",
    );
  }
  const isDeep = recursive === "readonly" || (recursive === "enabled" && canRecurse);
  return {
    destination,
    type: "bind",
    source: cleanPath(source),
    options: [
      recursive === "disabled" ? "bind" : "rbind",
      ...(mount.readonly === true ? [isDeep ? "rro" : "ro"] : []),
      propagation,
      ...idmapOption(mount),
    ],
    ...idmapMaps(mount),
  };
}

function tmpfsWords(mount: TmpfsMount, findings: Findings): string {
  const size = wholeNumber(mount.size, "--mount tmpfs-size", findings);
  const { mode } = mount;
  if (mode !== undefined && !(Number.isInteger(mode) && mode >= 0 && mode <= 0o7777)) {
    findings.problem(
      "--mount tmpfs-mode",
      String(mode),
      "it is made of permission bits: 0 to 0o7777",
    );
  }
  return [
    ...(mount.readonly === true ? ["ro"] : []),
    ...(mode === undefined ? [] : [`mode=${mode.toString(8)}`]),
    ...(size === undefined || size === 0n ? [] : [`size=${size}`]),
    ...(mount.options ?? []),
  ].join(",");
}

function tmpfs(destination: string, words: string, findings: Findings): Mount | undefined {
  const options = findings.take(mergeTmpfsOptions(words));
  return options && { destination, type: "tmpfs", source: "tmpfs", options };
}

/** Mounts travel no further than the root lets them. */
function rootPropagation(binds: readonly BindMount[]): RootfsPropagation | undefined {
  const used = new Set(binds.map(({ propagation }) => propagation));
  if (used.has("shared") || used.has("rshared")) return "shared";
  return used.has("slave") || used.has("rslave") ? "rslave" : undefined;
}
