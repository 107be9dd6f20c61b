// Finds out how cgroups are laid out on a machine, from the texts in which the kernel says so.

import type { CgroupLayout, CgroupV1, CgroupV2 } from "../planner/facts.ts";

/** Reads a small file; undefined when it is not there or cannot be read. */
export type ReadFile = (path: string) => string | undefined;

/** One of the caller's cgroups: the controllers of the hierarchy, none for version 2, and its path. */
type Membership = { readonly controllers: readonly string[]; readonly path: string };

// Every start of a container runs this file once, cold: so it is written with the plainest means, since
// a regular expression, an iterator or a callback costs more at its first use than the whole rest.

/** Turns the octal escapes of mountinfo (`\040` for a space) back into characters. */
const unescape = (text: string): string =>
  text.includes("\\")
    ? text.replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      )
    : text;

/** /proc/self/cgroup: a line `ID:CONTROLLERS:PATH` for each hierarchy; 0 and none for version 2. */
function parseMemberships(text: string): Membership[] {
  const memberships: Membership[] = [];
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] ?? "";
    const first = line.indexOf(":");
    const second = line.indexOf(":", first + 1);
    if (second < 0) continue;
    const controllers = line.slice(first + 1, second);
    if (controllers === "" && line.slice(0, first) !== "0") continue;
    memberships.push({
      controllers: controllers === "" ? [] : controllers.split(","),
      path: line.slice(second + 1),
    });
  }
  return memberships;
}

const hasOption = (options: string, option: string): boolean =>
  `,${options},`.includes(`,${option},`);

/**
 * Whether a later mount covers the one at `point`, whose line ends at `end`: somebody mounted cgroups of
 * their own over /sys/fs/cgroup. Later lines are later mounts, save for a mount's `parent`.
 */
function isCovered(mountinfo: string, end: number, parent: string, point: string): boolean {
  for (let path = point; path !== ""; path = path.slice(0, path.lastIndexOf("/"))) {
    const needle = ` ${path} `;
    for (let at = mountinfo.indexOf(needle, end); at >= 0; at = mountinfo.indexOf(needle, at + 1)) {
      const line = mountinfo.slice(mountinfo.lastIndexOf("\n", at) + 1, at + needle.length);
      const fields = line.split(" ");
      if (fields[4] === path && fields[0] !== parent) return true;
    }
  }
  return false;
}

/**
 * The caller's cgroup as a path below what the mount shows. Where it lies outside (the mount was made
 * in another cgroup namespace, or the cgroup is gone), the mount's top stands in for it.
 */
function ownBelow(root: string, path: string): string {
  if (path.endsWith(" (deleted)") || path.startsWith("/../") || path === "/..") return "/";
  if (root === "/") return path;
  return path.startsWith(`${root}/`) ? path.slice(root.length) : "/";
}

/** The words of a line such as `cpu io memory`, which may be empty. */
function words(text = ""): string[] {
  const line = text.endsWith("\n") ? text.slice(0, -1) : text;
  return line === "" ? [] : line.split(" ");
}

/** The caller's cgroup in the hierarchy that a mount's options name. */
function findMembership(
  memberships: readonly Membership[],
  type: string,
  options: string,
): Membership | undefined {
  for (let i = 0; i < memberships.length; i++) {
    const first = memberships[i]?.controllers[0];
    // The options name all controllers of the hierarchy: one of them tells it.
    const isIt = first === undefined ? type === "cgroup2" : hasOption(options, first);
    if (isIt && (first === undefined) === (type === "cgroup2")) return memberships[i];
  }
  return undefined;
}

/**
 * The layout of cgroups as the caller can use it: mounts that are read-only or covered by others do
 * not count, and of a hierarchy that is mounted more than once the first mount does.
 *
 * Sources: proc_pid_mountinfo(5), cgroups(7), cgroup_namespaces(7).
 *
 * @param mountinfo The text of /proc/self/mountinfo.
 * @param cgroup The text of /proc/self/cgroup.
 * @param readFile For `cgroup.controllers` and `cgroup.subtree_control` of a version 2 mount.
 */
export function parseCgroupLayout(
  mountinfo: string,
  cgroup: string,
  readFile: ReadFile,
): CgroupLayout {
  const memberships = parseMemberships(cgroup);
  const seen: Membership[] = [];
  const v1: CgroupV1[] = [];
  let v2: CgroupV2 | null = null;
  const mark = " - cgroup";
  // Most lines are of other file systems, and there may be hundreds: only these are taken apart.
  for (let at = mountinfo.indexOf(mark); at >= 0; at = mountinfo.indexOf(mark, at + 1)) {
    const start = mountinfo.lastIndexOf("\n", at) + 1;
    const next = mountinfo.indexOf("\n", at);
    const end = next < 0 ? mountinfo.length : next;
    const fields = mountinfo.slice(start, at).split(" ");
    const parent = fields[1] ?? "";
    const root = unescape(fields[3] ?? "/");
    const point = fields[4] ?? "";
    const after = mountinfo.slice(at + 3, end).split(" ");
    const type = after[0] ?? "";
    const options = after[2] ?? "";
    if (type !== "cgroup" && type !== "cgroup2") continue;
    const membership = findMembership(memberships, type, options);
    if (membership === undefined || seen.includes(membership)) continue;
    if (hasOption(fields[5] ?? "", "ro") || hasOption(options, "ro")) continue;
    if (isCovered(mountinfo, end, parent, point)) continue;
    seen.push(membership);
    const mount = unescape(point);
    const own = ownBelow(root, membership.path);
    if (type === "cgroup2") v2 = readV2(mount, own, options, readFile);
    else v1.push({ controllers: membership.controllers, mount, own });
  }
  return { mode: modeOf(v1, v2), v1, v2 };
}

function readV2(mount: string, own: string, given: string, readFile: ReadFile): CgroupV2 {
  const controllers = words(readFile(`${mount}/cgroup.controllers`));
  // What cannot be switched on is not on either: one file less to read.
  const enabled =
    controllers.length === 0 ? [] : words(readFile(`${mount}/cgroup.subtree_control`));
  const options = given.split(",").filter((each) => each !== "rw" && each !== "");
  return { mount, own, controllers, enabled, options };
}

function modeOf(v1: readonly CgroupV1[], v2: CgroupV2 | null): CgroupLayout["mode"] {
  // A hierarchy that has a name only (systemd's, elogind's) controls nothing.
  let controls = false;
  for (let i = 0; i < v1.length; i++) {
    if (v1[i]?.controllers[0]?.startsWith("name=") === false) controls = true;
  }
  if (v2 !== null) return controls ? "hybrid" : "v2";
  return v1.length > 0 ? "v1" : "none";
}
