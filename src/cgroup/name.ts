// Where a container's cgroup lies in each hierarchy, from its one name.

import type { CgroupV1, CgroupV2 } from "../planner/facts.ts";
import type { Problem } from "../spec/mod.ts";
import { quote } from "../spec/problem.ts";

/** The configuration's field that names the cgroup; the default name answers for it too. */
export const CGROUPS_PATH = "linux.cgroupsPath";

/** A cgroup that may not be there yet, by its way down from one that is. */
export type Location = {
  /** The cgroup that is there, as a directory of the host. */
  readonly base: string;
  /** The directories from the base down to the cgroup, both left out. */
  readonly between: readonly string[];
  readonly directory: string;
};

/** NAME_MAX and PATH_MAX of <linux/limits.h>, the latter less what a mount point may need. */
const LONGEST_NAME = 255;
const LONGEST_PATH = 3072;

const utf8Length = (text: string): number => {
  let length = 0;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return length;
};

function whatIsWrong(name: string): string | undefined {
  if (name === "") return "an empty string";
  const components = (name.startsWith("/") ? name.slice(1) : name).split("/");
  const given = `the string ${quote(name)}`;
  if (components.includes("")) return `${given}, which has an empty component`;
  if (components.includes("..")) return `${given}, which goes up by ".."`;
  if (components.includes(".")) return `${given}, which has the component "."`;
  // The kernel refuses a line break itself, since /proc/PID/cgroup could not be read with one.
  if (/\p{Cc}/u.test(name)) return `${given}, which has a control character`;
  const long = components.find((component) => utf8Length(component) > LONGEST_NAME);
  if (long !== undefined) return `a component of ${utf8Length(long)} bytes`;
  if (utf8Length(name) > LONGEST_PATH) return `a path of ${utf8Length(name)} bytes`;
  return undefined;
}

/** The names that the engine gives, which need no closer look. */
const plain = /^\/?[A-Za-z0-9][\w-]{0,127}$/;

/** What is wrong with the name of a cgroup: it becomes a path of the host, and is made and removed. */
export function findNameProblem(name: string): Problem | undefined {
  if (plain.test(name)) return undefined;
  const received = whatIsWrong(name);
  return received === undefined
    ? undefined
    : {
        path: CGROUPS_PATH,
        expected: `a cgroup's path such as "/pivot/web": names of at most ${LONGEST_NAME} bytes with "/" between them`,
        received,
      };
}

function locate(mount: string, start: string, name: string): Location {
  const isAbsolute = name.startsWith("/");
  const base = isAbsolute || start === "/" ? mount : mount + start;
  const between: string[] = [];
  for (let at = name.indexOf("/", 1); at >= 0; at = name.indexOf("/", at + 1)) {
    between.push(`${base}/${name.slice(isAbsolute ? 1 : 0, at)}`);
  }
  return { base, between, directory: isAbsolute ? base + name : `${base}/${name}` };
}

/**
 * The place of a cgroup in a version 1 hierarchy. An absolute name counts from the mount, a relative
 * one from the caller's own cgroup, so that the caller's limits hold for the container too.
 */
export const locateV1 = (hierarchy: CgroupV1, name: string): Location =>
  locate(hierarchy.mount, hierarchy.own, name);

/**
 * The place of a cgroup in the version 2 hierarchy. A relative name lies beside the caller's own
 * cgroup: below it, no controller could be switched on, since a cgroup with processes of its own
 * cannot share its resources out (cgroups(7), "no internal processes").
 */
export const locateV2 = (hierarchy: CgroupV2, name: string): Location =>
  locate(hierarchy.mount, parentOf(hierarchy.own), name);

/** The directory above: `/` for `/a` and for `/` itself. */
const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";
