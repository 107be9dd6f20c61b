/** The mounts of a configuration, in its order. */

import type { Place, Slot, Step } from "../plan/op.ts";
import type { Mount, Spec } from "../spec/mod.ts";
import { planCgroupMount } from "./cgroup-mounts.ts";
import { planDev, planDevicesInRoot } from "./devices.ts";
import type { CgroupLayout } from "./facts.ts";
import { type MountOptions, readMountOptions } from "./mount-options.ts";
import { bind, byInit, byParent, inRoot, mount, onHost } from "./step.ts";

export type MountPlan = {
  /** By the parent, while it still sees the host as the caller does. */
  readonly before: readonly Step[];
  readonly steps: readonly Step[];
  /** /dev is a file system of its own, kept as `dev`. */
  readonly hasDev: boolean;
  /** The slot of a /proc with the kernel's settings in it, or null. */
  readonly proc: Slot | null;
  readonly hasDevpts: boolean;
  /** In the order of mounting. */
  readonly mounted: readonly Mounted[];
  readonly problems: readonly string[];
};

export type MountView = {
  readonly layout: CgroupLayout;
  readonly hasCgroupNamespace: boolean;
  readonly inUserNamespace: boolean;
  readonly cgroups: readonly string[];
};

/** Absolute, without empty and `.` parts; `..` is left to the kernel, which keeps it inside. */
const tidy = (path: string): string =>
  `/${path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;

export const destinationOf = ({ destination }: Mount): string => tidy(destination);

/**
 * A bind is opened by the parent before there is a namespace: that way it is the file that the
 * caller can reach, even when root inside could not, and it can take part in the host's
 * propagation when that is asked for.
 */
function planBind(entry: Mount, options: MountOptions, name: string, why: string) {
  const elsewhere = /^\/proc\/(\d+)\/root(\/.+)$/.exec(entry.source ?? "");
  if (elsewhere?.[1] !== undefined && elsewhere[2] !== undefined) {
    return planBorrow(entry, options, { name, why, pid: elsewhere[1], path: elsewhere[2] });
  }
  // The mounts below are the host's too: they stay in its peer groups only if the word is shared.
  const deep = options.recursive && (options.deepPropagation || options.propagation !== "shared");
  return {
    before: [
      byParent(
        bind({
          from: onHost(entry.source ?? "/"),
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
      byParent({ op: "borrow", namespace, path, attributes: options.set, into: name }, why),
    ],
    step: byInit(
      { op: "attach", mount: name, at: inRoot(destinationOf(entry)), create: "matching" },
      why,
    ),
  };
}

/** The name under which a mount is kept for later steps, or null. */
function keptAs({ type }: Mount, destination: string): "proc" | "sys" | "devpts" | null {
  if (type === "proc" && destination === "/proc") return "proc";
  if (type === "sysfs" && destination === "/sys") return "sys";
  return type === "devpts" && destination === "/dev/pts" ? "devpts" : null;
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

function planFileSystem(entry: Mount, options: MountOptions, why: string): Step[] {
  const type = entry.type ?? "none";
  const destination = destinationOf(entry);
  const isKernelView = type === "proc" || type === "sysfs";
  const fresh = byInit(
    mount({
      type,
      source: entry.source ?? type,
      options: options.data,
      attributes: [...new Set([...options.set, ...options.deepSet])],
      at: inRoot(destination),
      // A link here would put the kernel's view elsewhere, and leave a look-alike in its place.
      create: isKernelView ? "strict" : "matching",
      into: keptAs(entry, destination),
    }),
    why,
  );
  if (options.propagation === "private") return [fresh];
  return [
    fresh,
    byInit(
      {
        op: "mount_setattr",
        at: inRoot(destination),
        attributes: [],
        clear: [],
        propagation: options.propagation,
        recursive: options.deepPropagation,
      },
      why,
    ),
  ];
}

function problemOf(entry: Mount, options: MountOptions): string | null {
  if (entry.uidMappings !== undefined || options.data.some((o) => /^r?idmap(=|$)/.test(o))) {
    return "id-mapped mounts are not there yet: leave uidMappings, gidMappings and idmap out";
  }
  if (options.data.includes("tmpcopyup")) {
    return "tmpcopyup is not there yet: leave the option out";
  }
  if (options.isBind && entry.source === undefined) {
    return "a bind mount needs a source: name the directory or file of the host";
  }
  if (options.isBind && options.data.length > 0) {
    return `a bind mount takes no options of a file system: leave ${options.data.join(",")} out`;
  }
  return null;
}

/** The steps of `spec.mounts`, and of the devices where /dev is among them. */
export function planMounts(spec: Spec, around: MountView): MountPlan {
  const before: Step[] = [];
  const steps: Step[] = [];
  const problems: string[] = [];
  const devices = spec.linux?.devices ?? [];
  let hasDev = false;
  let boundDev = false;
  const mounted: Mounted[] = [];
  let proc: Slot | null = null;
  for (const [i, entry] of (spec.mounts ?? []).entries()) {
    const why = `mounts[${i}]`;
    const options = readMountOptions(entry.options ?? []);
    const destination = destinationOf(entry);
    const problem = problemOf(entry, options);
    if (problem !== null) {
      problems.push(`${why} (${entry.destination}): ${problem}`);
    } else if (options.isBind || entry.type === "bind") {
      boundDev ||= destination === "/dev";
      const plan = planBind(entry, options, `bind${i}`, why);
      // As in a user namespace whose processes are the host's: there no other can be mounted.
      const isHosts = entry.source === destination && /^\/(proc|sys)$/.test(destination);
      mounted.push({ destination, view: isHosts ? `bind${i}` : null });
      if (isHosts && destination === "/proc") proc = `bind${i}`;
      before.push(...plan.before);
      steps.push(plan.step);
    } else if (entry.type === "tmpfs" && destination === "/dev") {
      const plan = planDev(entry, options, devices, around.inUserNamespace, why);
      before.push(...plan.before);
      steps.push(...plan.steps);
      hasDev = true;
    } else if (entry.type === "cgroup" || entry.type === "cgroup2") {
      const { layout, hasCgroupNamespace: hasNamespace, cgroups: own } = around;
      const attributes = options.set;
      steps.push(...planCgroupMount({ destination, attributes, layout, hasNamespace, own, why }));
    } else {
      const view = keptAs(entry, destination);
      mounted.push({ destination, view });
      // One with processes alone has no settings to write to.
      if (view === "proc") proc = options.data.includes("subset=pid") ? null : view;
      steps.push(...planFileSystem(entry, options, why));
    }
  }
  if (!hasDev && !boundDev) steps.push(...planDevicesInRoot(devices));
  return {
    before,
    steps,
    hasDev,
    proc,
    hasDevpts: mounted.some((each) => each.view === "devpts"),
    mounted,
    problems,
  };
}
