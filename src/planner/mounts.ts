/** The mounts of a configuration, in its order. */

import type { Place, Slot, Step } from "../plan/op.ts";
import type { Mount, Spec } from "../spec/mod.ts";
import { planCgroupMount } from "./cgroup-mounts.ts";
import { planDev, planDevicesInRoot } from "./devices.ts";
import type { CgroupLayout, Facts } from "./facts.ts";
import {
  destinationOf,
  isBind,
  keptAs,
  optionProblem,
  optionWarning,
  planFileSystem,
  planRemount,
  tidy,
} from "./file-systems.ts";
import { idmaps, type Mapping } from "./idmap.ts";
import { labelOptions, withLabel } from "./labels.ts";
import { allFlags, type MountOptions, readMountOptions } from "./mount-options.ts";
import { bind, byInit, byParent, inRoot, onHost } from "./step.ts";

export type MountPlan = {
  /** By the parent, while it still sees the host as the caller does. */
  readonly before: readonly Step[];
  readonly steps: readonly Step[];
  /** When nothing has to be made in them any more. */
  readonly last: readonly Step[];
  /** /dev is a file system of its own, kept as `dev`. */
  readonly hasDev: boolean;
  /** The slot of a /proc with the kernel's settings in it, or null. */
  readonly proc: Slot | null;
  readonly hasDevpts: boolean;
  /** The slots of binds that are given to the container's user. */
  readonly owned: readonly Slot[];
  /** In the order of mounting. */
  readonly mounted: readonly Mounted[];
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
};

export type MountView = {
  readonly layout: CgroupLayout;
  readonly cgroupNamespace: "own" | "joined" | null;
  readonly inUserNamespace: boolean;
  readonly cgroups: readonly string[];
  readonly facts: Facts;
  /** The container's own directory on the host. */
  readonly state: string;
  /** Destinations of binds that are given to the container's user. */
  readonly chown: ReadonlySet<string>;
  /** What is shown at a destination in place of the bind's source: volumes. */
  readonly places: ReadonlyMap<string, Place>;
};

/**
 * A bind is opened by the parent before there is a namespace: that way it is the file that the
 * caller can reach, even when root inside could not, and it can take part in the host's
 * propagation when that is asked for.
 */
function planBind(
  entry: Mount,
  options: MountOptions,
  { name, why, place }: { name: string; why: string; place: Place | undefined },
) {
  const elsewhere = place === undefined && /^\/proc\/(\d+)\/root(\/.+)$/.exec(entry.source ?? "");
  if (elsewhere && elsewhere[1] !== undefined && elsewhere[2] !== undefined) {
    return planBorrow(entry, options, { name, why, pid: elsewhere[1], path: elsewhere[2] });
  }
  // The mounts below are the host's too: they stay in its peer groups only if the word is shared.
  const deep = options.recursive && (options.deepPropagation || options.propagation !== "shared");
  return {
    before: [
      byParent(
        bind({
          from: place ?? onHost(entry.source ?? "/"),
          recursive: options.recursive,
          attributes: options.set,
          clear: options.clear,
          deepAttributes: options.deepSet,
          deepClear: options.deepClear,
          propagation: options.propagation,
          deepPropagation: deep,
          into: name,
        }),
        why,
      ),
    ],
    step: byInit(
      { op: "attach", mount: name, at: inRoot(destinationOf(entry)), create: "matching" },
      why,
    ),
  };
}

type Borrowing = {
  readonly name: string;
  readonly why: string;
  readonly pid: string;
  readonly path: string;
};

/**
 * A path in another process's root, such as another container's /dev/shm. By way of
 * /proc/PID/root a link of that container would be followed on the host; and mounts of another
 * namespace cannot be copied from outside.
 */
function planBorrow(entry: Mount, options: MountOptions, { name, why, pid, path }: Borrowing) {
  const namespace = `${name}.ns`;
  return {
    before: [
      byParent(
        { op: "open", at: onHost(`/proc/${pid}/ns/mnt`), flags: ["read"], into: namespace },
        why,
      ),
      byParent({ op: "borrow", namespace, path, attributes: allFlags(options), into: name }, why),
    ],
    step: byInit(
      { op: "attach", mount: name, at: inRoot(destinationOf(entry)), create: "matching" },
      why,
    ),
  };
}

/** The owners of a bind, which is still detached. */
function planMapping(mount: Slot, mapping: Mapping | null, why: string): Step[] {
  if (mapping?.kind !== "mapped") return [];
  const { namespace, recursive } = mapping;
  return [byParent({ op: "idmap", mount, namespace, recursive }, why)];
}

/** A mount, and its slot when it is the kernel's own view: nobody can put links into that. */
type Mounted = { readonly destination: string; readonly view: Slot | null };

/**
 * Where a path of the container is found. In /proc and /sys it is looked up below the very mount:
 * by its path in the root, somebody who has the root too could move the mount away meanwhile, and a
 * mask of what is not there would be no failure.
 */
export function placeOf(path: string, mounted: readonly Mounted[]): Place {
  const tidied = tidy(path);
  const last = mounted.findLast(({ destination }) => tidied.startsWith(`${destination}/`));
  if (last === undefined || last.view === null || /\/\.\.(\/|$)/.test(tidied)) return inRoot(path);
  return { in: last.view, path: tidied.slice(last.destination.length + 1) };
}

/** The steps of `spec.mounts`, and of the devices where /dev is among them. */
export function planMounts(spec: Spec, around: MountView): MountPlan {
  const before: Step[] = [];
  const steps: Step[] = [];
  const last: Step[] = [];
  const problems: string[] = [];
  const warnings: string[] = [];
  const mappingOf = idmaps(spec);
  const devices = spec.linux?.devices ?? [];
  let hasDev = false;
  let boundDev = false;
  const owned: Slot[] = [];
  const mounted: Mounted[] = [];
  let proc: Slot | null = null;
  for (const [i, entry] of (spec.mounts ?? []).entries()) {
    const why = `mounts[${i}]`;
    const label = labelOptions(spec, around.facts, entry.type ?? "none");
    const isNew = !isBind(entry) && entry.options?.includes("remount") !== true;
    const given = readMountOptions(entry.options ?? []);
    const options = isNew ? withLabel(given, label) : given;
    const destination = destinationOf(entry);
    const mapping = mappingOf(entry, options, why);
    const problem = mapping?.kind === "problem" ? mapping.problem : optionProblem(entry, options);
    const warning = optionWarning(entry, options);
    if (warning !== null) warnings.push(`${why} (${entry.destination}): ${warning}`);
    if (mapping?.kind === "mapped") before.push(...mapping.before);
    if (problem !== null) {
      problems.push(`${why} (${entry.destination}): ${problem}`);
    } else if (options.remount) {
      steps.push(...planRemount(entry, options, why));
    } else if (isBind(entry)) {
      boundDev ||= destination === "/dev";
      const plan = planBind(entry, options, {
        name: `bind${i}`,
        why,
        place: around.places.get(destination),
      });
      // As in a user namespace whose processes are the host's: there no other can be mounted.
      const isHosts = entry.source === destination && /^\/(proc|sys)$/.test(destination);
      mounted.push({ destination, view: isHosts ? `bind${i}` : null });
      if (isHosts && destination === "/proc") proc = `bind${i}`;
      before.push(...plan.before, ...planMapping(`bind${i}`, mapping, why));
      if (around.chown.has(destination)) owned.push(`bind${i}`);
      steps.push(plan.step);
    } else if (entry.type === "tmpfs" && destination === "/dev") {
      const plan = planDev(entry, options, { extra: devices, around, linux: spec.linux }, why);
      before.push(...plan.before);
      steps.push(...plan.steps);
      last.push(...plan.last);
      hasDev = true;
    } else if (entry.type === "cgroup" || entry.type === "cgroup2") {
      const { layout, cgroupNamespace: namespace, cgroups: own } = around;
      const attributes = allFlags(options);
      steps.push(...planCgroupMount({ destination, attributes, layout, namespace, own, why }));
    } else {
      const view = keptAs(entry, destination);
      mounted.push({ destination, view });
      // One with processes alone has no settings to write to.
      if (view === "proc") proc = options.data.includes("subset=pid") ? null : view;
      steps.push(...planFileSystem(entry, options, { name: `mount${i}`, mapping, why }));
    }
  }
  if (!hasDev && !boundDev) steps.push(...planDevicesInRoot(devices));
  return {
    before,
    steps,
    last,
    hasDev,
    proc,
    hasDevpts: mounted.some((each) => each.view === "devpts"),
    owned,
    mounted,
    problems,
    warnings,
  };
}
