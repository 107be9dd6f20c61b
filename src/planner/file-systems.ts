/** New file systems of a configuration, and changes of those that are mounted already. */

import type { Slot, Step } from "../plan/op.ts";
import type { Mount } from "../spec/mod.ts";
import type { Mapping } from "./idmap.ts";
import { allFlags, isOfFileSystem, type MountOptions } from "./mount-options.ts";
import { byInit, inRoot, mount, readOnly, slot } from "./step.ts";

/** Absolute, without empty and `.` parts; `..` is left to the kernel, which keeps it inside. */
export const tidy = (path: string): string =>
  `/${path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/")}`;

export const destinationOf = ({ destination }: Mount): string => tidy(destination);

/** A place that is shown a second time, rather than a file system that is made. */
export const isBind = ({ type, options = [] }: Mount): boolean =>
  type === "bind" || options.includes("bind") || options.includes("rbind");

/** The name under which a mount is kept for later steps, or null. */
export function keptAs({ type }: Mount, destination: string): "proc" | "sys" | "devpts" | null {
  if (type === "proc" && destination === "/proc") return "proc";
  if (type === "sysfs" && destination === "/sys") return "sys";
  return type === "devpts" && destination === "/dev/pts" ? "devpts" : null;
}

/** File systems of the kernel's own: what is read-only there is the mount. */
const withoutDevice: ReadonlySet<string> = new Set(
  "binfmt_misc bpf cgroup cgroup2 configfs debugfs devpts devtmpfs fusectl hugetlbfs mqueue none overlay proc pstore ramfs securityfs sysfs tmpfs tracefs".split(
    " ",
  ),
);

/** A device that cannot be written to is mounted only when the file system is told so, too. */
function dataOf(options: MountOptions, type: string): readonly string[] {
  const isReadOnly = allFlags(options).includes("ro");
  return isReadOnly && !withoutDevice.has(type) ? [...options.data, "ro"] : options.data;
}

/** What has to happen to the mount while nobody can reach it. */
function planDetached(
  entry: Mount,
  options: MountOptions,
  { name, mapping, why }: { name: Slot; mapping: Mapping | null; why: string },
): Step[] {
  const { copyUp, data } = options;
  const steps: Step[] = [];
  const says = (option: string): boolean => data.some((each) => each.startsWith(`${option}=`));
  if (copyUp) {
    const owner = !says("uid") && !says("gid");
    const from = inRoot(destinationOf(entry));
    steps.push(byInit({ op: "copy_up", from, to: name, mode: !says("mode"), owner }, why));
  }
  if (mapping?.kind === "mapped") {
    const { namespace } = mapping;
    steps.push(byInit({ op: "idmap", mount: name, namespace, recursive: false }, why));
  }
  if (copyUp && allFlags(options).includes("ro")) {
    steps.push(byInit(readOnly(slot(name)), why));
  }
  return steps;
}

/**
 * Mounts a new file system.
 *
 * @param name the slot for a mount that is not attached at once
 */
export function planFileSystem(
  entry: Mount,
  options: MountOptions,
  { name, mapping, why }: { name: Slot; mapping: Mapping | null; why: string },
): Step[] {
  const type = entry.type ?? "none";
  const destination = destinationOf(entry);
  const isDetached = options.copyUp || mapping !== null;
  const kept = keptAs(entry, destination) ?? (isDetached ? name : null);
  const flags = allFlags(options);
  const attributes = options.copyUp ? flags.filter((flag) => flag !== "ro") : flags;
  // A link here would put the kernel's view elsewhere, and leave a look-alike in its place.
  const create = type === "proc" || type === "sysfs" ? "strict" : "matching";
  const steps = [
    byInit(
      mount({
        type,
        source: entry.source ?? type,
        options: dataOf(options, type),
        attributes,
        at: isDetached ? null : inRoot(destination),
        create,
        into: kept,
      }),
      why,
    ),
  ];
  if (isDetached && kept !== null) {
    steps.push(
      ...planDetached(entry, options, { name: kept, mapping, why }),
      byInit({ op: "attach", mount: kept, at: inRoot(destination), create }, why),
    );
  }
  if (options.propagation !== "private") {
    steps.push(
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
    );
  }
  return steps;
}

/**
 * `remount`: only what the options name is changed, so that no flag that protects goes by not
 * being repeated. `bind,remount` is about the mount alone, not its file system.
 */
export function planRemount(entry: Mount, options: MountOptions, why: string): Step[] {
  const at = inRoot(destinationOf(entry));
  const steps: Step[] = [];
  if (!options.isBind && options.data.length > 0) {
    steps.push(byInit({ op: "reconfigure", at, options: options.data }, why));
  }
  const isUnnamed = options.propagation === "private" && options.deepPropagation;
  const propagation = isUnnamed ? "unchanged" : options.propagation;
  const { set, clear, deepSet, deepClear, deepPropagation } = options;
  const changes = [
    { attributes: set, clear, isDeep: false },
    { attributes: deepSet, clear: deepClear, isDeep: true },
  ];
  for (const { attributes, clear: cleared, isDeep } of changes) {
    const travels = deepPropagation === isDeep ? propagation : "unchanged";
    if (attributes.length + cleared.length === 0 && travels === "unchanged") continue;
    steps.push(
      byInit(
        {
          op: "mount_setattr",
          at,
          attributes,
          clear: cleared,
          propagation: travels,
          recursive: isDeep,
        },
        why,
      ),
    );
  }
  return steps;
}

/** Why these options cannot be, or null. */
export function optionProblem(entry: Mount, options: MountOptions): string | null {
  if (isBind(entry) && !options.remount && entry.source === undefined) {
    return "a bind mount needs a source: name the directory or file of the host";
  }
  const own = options.data.filter((option) => !isOfFileSystem(option));
  if (isBind(entry) && own.length > 0) {
    return `a bind mount takes no options of a file system: leave ${own.join(",")} out`;
  }
  if (options.copyUp && (entry.type !== "tmpfs" || isBind(entry) || options.remount)) {
    return "tmpcopyup is for a new tmpfs: leave the option out";
  }
  if (options.copyUp && destinationOf(entry) === "/dev") {
    return "/dev is made anew: leave tmpcopyup out";
  }
  if (options.remount && (options.idmap !== null || entry.uidMappings !== undefined)) {
    return "owners can be mapped only when a mount is made: leave remount out";
  }
  return null;
}

/** What is left out of a bind, or null. */
export function optionWarning(entry: Mount, options: MountOptions): string | null {
  const left = options.data.filter(isOfFileSystem);
  if (left.length === 0 || !isBind(entry)) return null;
  return `${left.join(",")} is left out: a bind mount does not change its file system`;
}
