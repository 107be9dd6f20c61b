// The files by which a process joins the cgroups of a container that is there already.

import type { CgroupLayout } from "../planner/facts.ts";

const lies = (directory: string, mount: string): boolean => directory.startsWith(`${mount}/`);

/** Version 1 has `tasks`, which unlike `cgroup.procs` takes no lock of the whole machine. */
export const joinFile = (directory: string, { v1 }: CgroupLayout): string =>
  v1.some(({ mount }) => lies(directory, mount))
    ? `${directory}/tasks`
    : `${directory}/cgroup.procs`;

/** A cgroup below the container's: `[CONTROLLER,...:]PATH`; without controllers, of each hierarchy. */
export type CgroupBelow = { readonly controllers: readonly string[]; readonly path: string };

/** Undefined for what is no path below the container's cgroup. */
export function readCgroupBelow(text: string): CgroupBelow | undefined {
  const colon = text.indexOf(":");
  const controllers = colon < 0 ? [] : text.slice(0, colon).split(",");
  const parts = text
    .slice(colon + 1)
    .split("/")
    .filter((part) => part !== "" && part !== ".");
  if (parts.includes("..") || controllers.includes("")) return undefined;
  return { controllers, path: parts.map((part) => `/${part}`).join("") };
}

/** The directories that a process joins: the container's, or the ones below them that are named. */
export function directoriesBelow(
  directories: readonly string[],
  below: readonly CgroupBelow[],
  { v1, v2 }: CgroupLayout,
): string[] {
  return directories.map((directory) => {
    const controllers = v1.find(({ mount }) => lies(directory, mount))?.controllers;
    const own = controllers ?? (v2 === null ? [] : v2.controllers);
    const named = below.find((each) => each.controllers.some((name) => own.includes(name)));
    const any = below.find((each) => each.controllers.length === 0);
    return `${directory}${(named ?? any)?.path ?? ""}`;
  });
}
