/**
 * The scope in which systemd keeps a container: its unit, its slice, and the cgroup that both lead to.
 *
 * Sources: systemd.unit(5), systemd.slice(5), systemd.scope(5); what runc and crun read in
 * `linux.cgroupsPath`.
 */

import type { Problem } from "../spec/mod.ts";
import { quote } from "../spec/problem.ts";

export type Scope = {
  /** `system.slice`; `-.slice` is the root. */
  readonly slice: string;
  /** `pivot-ID.scope`. */
  readonly unit: string;
  /** The cgroup, from the manager's own: `/system.slice/pivot-ID.scope`. */
  readonly path: string;
};

const CGROUPS_PATH = "linux.cgroupsPath";

/** UNIT_NAME_MAX, with the end's NUL. */
const LONGEST_UNIT = 255;

/** What a unit's name is made of; `\` only in front of `x` and two digits. */
const plain = /^[A-Za-z0-9:_.-]$/;

/** As `systemd-escape` does: a character that no unit's name may have becomes `\xNN`. */
const escapeName = (name: string): string =>
  [...name]
    .map((character) =>
      plain.test(character)
        ? character
        : `\\x${(character.codePointAt(0) ?? 0).toString(16).padStart(2, "0")}`,
    )
    .join("");

/** The directories down to a slice: `/a.slice/a-b.slice` for `a-b.slice`; undefined for no slice. */
export function expandSlice(slice: string): string | undefined {
  if (!slice.endsWith(".slice")) return undefined;
  const name = slice.slice(0, -".slice".length);
  if (name === "-") return "";
  if (!/^[A-Za-z0-9:_.\\]+(-[A-Za-z0-9:_.\\]+)*$/.test(name)) return undefined;
  const parts = name.split("-");
  return parts.map((_, i) => `/${escapeFile(`${parts.slice(0, i + 1).join("-")}.slice`)}`).join("");
}

/**
 * Whether it is systemd who makes the cgroups in this one: it is a slice's, or a manager's own. Elsewhere
 * below a unit there are none unless all that is in it was handed over (`Delegate=`).
 *
 * Source: systemd.io/CGROUP_DELEGATION, "Two Key Design Rules".
 *
 * @param manager the cgroup of the user's manager
 */
export const isOfSystemd = (cgroup: string, manager: string): boolean =>
  cgroup.endsWith(".slice") || cgroup === manager;

/** The controllers that systemd knows: a unit whose name could be taken for a file of theirs gets a `_`. */
const controllers: ReadonlySet<string> = new Set([
  "cpu",
  "cpuacct",
  "cpuset",
  "io",
  "blkio",
  "memory",
  "devices",
  "pids",
  "bpf-firewall",
  "bpf-devices",
  "bpf-foreign",
  "bpf-socket-bind",
]);

/** systemd's `cg_escape`: how a unit is called as a directory. */
function escapeFile(unit: string): string {
  const first = unit.slice(0, unit.indexOf("."));
  const isTaken = /^[_.]/.test(unit) || first === "cgroup" || controllers.has(first);
  return isTaken ? `_${unit}` : unit;
}

const refuse = (received: string): Problem => ({
  path: CGROUPS_PATH,
  expected:
    'the form "SLICE:PREFIX:NAME" that goes with --systemd-cgroup, such as "system.slice:pivot:web"',
  received,
});

/**
 * The scope of a container.
 *
 * @param cgroupsPath `SLICE:PREFIX:NAME`, of which each may be empty; absent or empty: the default
 * @param id the container's
 * @param slice where it is when nobody says otherwise
 */
export function scopeOf(
  cgroupsPath: string | undefined,
  id: string,
  slice: "system.slice" | "user.slice",
): Scope | Problem {
  const given = cgroupsPath === undefined || cgroupsPath === "" ? ":pivot:" : cgroupsPath;
  const parts = given.split(":");
  const [ofSlice = "", prefix = "", name = ""] = parts;
  if (parts.length !== 3) return refuse(`the string ${quote(given)}`);
  const inSlice = ofSlice === "" ? slice : ofSlice === "-" ? "-.slice" : ofSlice;
  const directories = expandSlice(inSlice);
  if (directories === undefined) {
    return refuse(`the slice ${quote(ofSlice)}, which is no name such as "machine-web.slice"`);
  }
  if (/[\p{Cc}/]/u.test(prefix + name)) {
    return refuse(
      `the string ${quote(given)}, which has a slash or a control character in its name`,
    );
  }
  const label = escapeName(name === "" ? id : name);
  const unit = `${prefix === "" ? "" : `${escapeName(prefix)}-`}${label}.scope`;
  if (unit.length > LONGEST_UNIT) {
    return refuse(`a unit's name of ${unit.length} bytes, where systemd takes ${LONGEST_UNIT}`);
  }
  return { slice: inSlice, unit, path: `${directories}/${escapeFile(unit)}` };
}
