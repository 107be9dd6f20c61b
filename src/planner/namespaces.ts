/** Which namespaces a container gets: new ones, the host's, or somebody else's. */

import type { Namespace } from "../plan/constants.ts";
import type { Step } from "../plan/op.ts";
import type { LinuxIDMapping, Spec } from "../spec/mod.ts";
import { planKeepRuntimeMounts, usesRuntimeMounts } from "./runtime-mounts.ts";
import type { Caller } from "./setting.ts";
import { byInit, byParent, onHost, write } from "./step.ts";

export type NamespacePlan = {
  /** New ones, made by clone3(2) all at once. */
  readonly fresh: readonly Namespace[];
  /** New, by unshare(2) of init once it is in its cgroup, which becomes the namespace's root. */
  readonly freshCgroup: boolean;
  /** The slot of a user namespace to join. */
  readonly user: string | null;
  /** By the parent, first: what keeps that one in its slot. */
  readonly owner: readonly Step[];
  /** By the parent before `clone`. */
  readonly before: readonly Step[];
  /** By the parent after `clone`, while init waits. */
  readonly maps: readonly Step[];
  /** By init, first of all. */
  readonly join: readonly Step[];
  readonly has: (type: Namespace) => boolean;
};

/** The namespaces that only a process's children enter: joined or left by the parent. */
const forChildren: ReadonlySet<Namespace> = new Set(["pid", "time"]);

/** Every id is itself: root inside is root outside as far as files go, but without its rights. */
export const identity: readonly LinuxIDMapping[] = [
  { containerID: 0, hostID: 0, size: 4294967295 },
];

/** As uid_map and gid_map take them. */
export const mapLines = (mappings: readonly LinuxIDMapping[]): string =>
  mappings.map(({ containerID, hostID, size }) => `${containerID} ${hostID} ${size}\n`).join("");

/** The slot of the user namespace that was there before the container's first process. */
export const userNamespace = "ns.user";

/** A new user namespace, before there is anybody in it. */
const planUsers = ({ linux }: Spec, why: string): Step =>
  byParent(
    {
      op: "user_namespace",
      uid_map: mapLines(linux?.uidMappings ?? identity),
      gid_map: mapLines(linux?.gidMappings ?? identity),
      into: userNamespace,
    },
    why,
  );

function planMaps(spec: Spec): Step[] {
  const uids = spec.linux?.uidMappings ?? identity;
  const gids = spec.linux?.gidMappings ?? identity;
  return [
    byParent(write({ in: "child", path: "uid_map" }, mapLines(uids)), "linux.uidMappings"),
    byParent(write({ in: "child", path: "gid_map" }, mapLines(gids)), "linux.gidMappings"),
  ];
}

/**
 * The executor's own user namespace: so that it may mount, of which nobody outside sees anything.
 * Who maps no more than themselves needs no right to, but has to give setgroups(2) up
 * (user_namespaces(7)).
 */
export function planOwnNamespace({ uid, gid }: Caller): Step[] {
  const why = "an ordinary user mounts in a user namespace of their own";
  const self = (file: string, text: string): Step =>
    byParent(write(onHost(`/proc/self/${file}`), text), why);
  return [
    byParent({ op: "unshare", namespaces: ["user"] }, why),
    self("setgroups", "deny"),
    self("uid_map", `${uid} ${uid} 1\n`),
    self("gid_map", `${gid} ${gid} 1\n`),
    byParent({ op: "unshare", namespaces: ["mount"] }, why),
  ];
}

function planTimeOffsets(spec: Spec): Step[] {
  const offsets = Object.entries(spec.linux?.timeOffsets ?? {})
    .map(([clock, { secs, nanosecs }]) => `${clock} ${secs ?? 0n} ${nanosecs ?? 0}\n`)
    .join("");
  const unshare = byParent(
    { op: "unshare", namespaces: ["time"] },
    "linux.namespaces: a new time namespace, for the child alone",
  );
  if (offsets === "") return [unshare];
  const file = onHost("/proc/self/timens_offsets");
  return [unshare, byParent(write(file, offsets), "linux.timeOffsets")];
}

/**
 * The steps of `linux.namespaces`.
 *
 * @param usersFirst the user namespace is made before the container's first process: something is to
 *   be mounted for it
 */
export function planNamespaces(spec: Spec, usersFirst = false): NamespacePlan {
  const fresh: Namespace[] = [];
  const before: Step[] = [];
  const owner: Step[] = [];
  const join: Step[] = [];
  let user: string | null = null;
  const listed = spec.linux?.namespaces ?? [];
  for (const [i, { type, path }] of listed.entries()) {
    const why = `linux.namespaces[${i}]`;
    if (path === undefined && type === "user" && usersFirst) {
      owner.push(planUsers(spec, why));
      user = userNamespace;
      continue;
    }
    if (path === undefined) {
      if (type !== "cgroup" && type !== "time") fresh.push(type);
      continue;
    }
    const namespace = `ns.${type}`;
    const open = byParent({ op: "open", at: onHost(path), flags: ["read"], into: namespace }, why);
    (type === "user" ? owner : before).push(open);
    if (type === "user") user = namespace;
    else if (forChildren.has(type)) before.push(byParent({ op: "setns", namespace, type }, why));
    else join.push(byInit({ op: "setns", namespace, type }, why));
  }
  if (usesRuntimeMounts(spec)) {
    before.push(planKeepRuntimeMounts);
    fresh.push("mount"); // to make its mounts in, and then to leave
  }
  const isNew = (wanted: Namespace): boolean =>
    listed.some(({ type, path }) => type === wanted && path === undefined);
  if (isNew("time")) before.push(...planTimeOffsets(spec));
  return {
    fresh,
    freshCgroup: isNew("cgroup"),
    user,
    owner,
    before,
    maps: isNew("user") && !usersFirst ? planMaps(spec) : [],
    join,
    has: (wanted) => listed.some(({ type }) => type === wanted),
  };
}
