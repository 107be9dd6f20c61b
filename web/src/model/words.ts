/** Drawings in words: for labels, and for who cannot see the drawing. */

import type { Changes } from "./changes.ts";
import type { DrawnMount, DrawnNamespace, World } from "./world.ts";

/** Kinds of propagation that have a shape and a colour of their own. */
export type PropagationKind = "private" | "shared" | "slave" | "shared slave" | "unbindable";

export function kindOf({ group, master, unbindable }: DrawnMount): PropagationKind {
  if (group !== null) return master === null ? "shared" : "shared slave";
  if (master !== null) return "slave";
  return unbindable ? "unbindable" : "private";
}

/** As mountinfo writes it: `shared:1 master:2`, or `private`. */
export function propagationLabel(mount: DrawnMount): string {
  const { group, master, unbindable } = mount;
  const fields = [
    group === null ? [] : [`shared:${group}`],
    master === null ? [] : [`master:${master}`],
    unbindable ? ["unbindable"] : [],
  ].flat();
  return fields.length === 0 ? "private" : fields.join(" ");
}

/** As one says it. */
export function propagationWords(mount: DrawnMount): string {
  const { group, master } = mount;
  switch (kindOf(mount)) {
    case "private":
      return "private";
    case "shared":
      return `shared, in peer group ${group}`;
    case "slave":
      return `slave of peer group ${master}`;
    case "shared slave":
      return `shared in peer group ${group}, and slave of peer group ${master}`;
    case "unbindable":
      return "unbindable";
  }
}

const many = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** One mount as a sentence without its end. */
export function mountWords(mount: DrawnMount, namespace: DrawnNamespace, changes: Changes): string {
  const parent = namespace.mounts.find(({ id }) => id === mount.parent);
  const stacked = parent?.path === mount.path ? ", on top of the mount at the same place" : "";
  const of = mount.root === "/" ? "" : `, showing its directory ${mount.root}`;
  const change = changes.byMount.get(mount.id);
  const flags = [mount.readOnly ? "read-only" : [], mount.locked ? "locked" : []].flat();
  const who = namespace.processes.flatMap(({ name, root, cwd }) => [
    ...(root.mount === mount.id ? [`root of ${name}${aside(root.path, mount)}`] : []),
    ...(cwd.mount === mount.id ? [`working directory of ${name}${aside(cwd.path, mount)}`] : []),
  ]);
  return [
    `${mount.path}: ${mount.type}${of}${stacked}`,
    propagationWords(mount),
    ...flags,
    ...who,
    ...(change === undefined ? [] : [`${change} in this step`]),
  ].join("; ");
}

const aside = (path: string, mount: DrawnMount): string =>
  path === mount.path ? "" : ` at ${path}`;

/** What a drawing shows, for its label. */
export const namespaceWords = ({ title, mounts, processes }: DrawnNamespace): string =>
  `${title}: a tree of ${many(mounts.length, "mount")}${
    processes.length === 0
      ? ""
      : `; ${processes
          .map(
            ({ name, root, cwd }) =>
              `${name} has its root at ${root.path} and works in ${cwd.path}`,
          )
          .join("; ")}`
  }`;

/** What a step did, in one sentence. */
export function changeWords(changes: Changes): string {
  const counts = new Map<string, number>();
  for (const change of changes.byMount.values()) counts.set(change, (counts.get(change) ?? 0) + 1);
  const parts = [...counts].map(([change, count]) => `${many(count, "mount")} ${change}`);
  if (changes.gone.length > 0) parts.push(`${many(changes.gone.length, "mount")} gone`);
  return parts.length === 0 ? "The mounts are as they were." : `${parts.join(", ")}.`;
}

/** Who is in a peer group, and who receives from it. */
export function groupWords(world: World, group: number): string {
  const list = (wanted: (mount: DrawnMount) => boolean): string[] =>
    world.flatMap(({ title, mounts }) =>
      mounts
        .filter(wanted)
        .map(({ path }) => `${path} (${title.replace(/^What (the )?| sees?$/g, "")})`),
    );
  const peers = list((mount) => mount.group === group);
  const slaves = list((mount) => mount.master === group);
  const told = peers.length === 0 ? "its members are not shown" : peers.join(", ");
  return slaves.length === 0 ? told : `${told}; received by ${slaves.join(", ")}`;
}
