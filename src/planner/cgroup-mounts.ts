/** The mount of type `cgroup`: what a container sees of its own cgroups, as docker shows it. */

import type { MountAttribute } from "../plan/constants.ts";
import type { Place, Step } from "../plan/op.ts";
import type { CgroupLayout, CgroupV1, CgroupV2 } from "./facts.ts";
import { bind, byInit, inRoot, mount, onHost, readOnly, slot } from "./step.ts";

type CgroupView = {
  readonly destination: string;
  readonly attributes: readonly MountAttribute[];
  readonly layout: CgroupLayout;
  /**
   * With a cgroup namespace a new mount shows the container's own cgroup as its root: the container's,
   * or one that it joins.
   */
  readonly namespace: "own" | "joined" | null;
  /** The container's cgroups, as directories of the host. */
  readonly own: readonly string[];
  readonly why: string;
};

const lastName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The container's cgroup in the hierarchy mounted there. */
const ownBelow = (own: readonly string[], mountPoint: string): string | undefined =>
  own.find((path) => path.startsWith(`${mountPoint}/`));

/**
 * Who mounts version 2 in the machine's first cgroup namespace sets the options of its one hierarchy for
 * everybody: without nsdelegate no container would be kept to its own cgroup. The namespace that is
 * joined may be that one.
 */
const optionsOf = ({ namespace }: CgroupView, { options }: CgroupV2): string[] =>
  namespace === "joined" ? [...options] : [];

function hierarchy(view: CgroupView, mountPoint: string, type: string, options: string[]): Step[] {
  const at: Place = { in: "cgroups", path: lastName(mountPoint) };
  const { namespace, attributes, why } = view;
  if (namespace !== null) return [byInit(mount({ type, options, attributes, at }), why)];
  const own = ownBelow(view.own, mountPoint);
  return own === undefined ? [] : [byInit(bind({ from: onHost(own), attributes, at }), why)];
}

/**
 * Version 1: a small tmpfs with a directory for each hierarchy, and links for co-mounted ones. Where
 * the container has no cgroup of its own it would see those of everybody else: that hierarchy is left
 * out.
 */
function planV1(view: CgroupView): Step[] {
  const { layout, attributes, destination, own, why } = view;
  const v1 = layout.v1.filter(({ mount: point }) => ownBelow(own, point) !== undefined);
  const v2 = layout.v2 !== null && ownBelow(own, layout.v2.mount) !== undefined ? layout.v2 : null;
  const mountPoints = [...v1, ...(v2 === null ? [] : [v2])].map(({ mount: point }) => point);
  const links = v1
    .filter(({ controllers }) => controllers.length > 1)
    .flatMap(({ controllers, mount: point }: CgroupV1) =>
      controllers
        .filter((name) => name !== lastName(point))
        .map((name) =>
          byInit({ op: "symlink", at: { in: "cgroups", path: name }, to: lastName(point) }, why),
        ),
    );
  const withoutRo = attributes.filter((flag) => flag !== "ro");
  return [
    byInit(
      mount({ type: "tmpfs", options: ["mode=755"], attributes: withoutRo, into: "cgroups" }),
      why,
    ),
    ...mountPoints.map((point) =>
      byInit(
        { op: "mkdir", at: { in: "cgroups", path: lastName(point) }, mode: 0o755, parents: false },
        why,
      ),
    ),
    ...links,
    byInit({ op: "attach", mount: "cgroups", at: inRoot(destination), create: "matching" }, why),
    ...v1.flatMap(({ mount: point, controllers }) =>
      hierarchy(view, point, "cgroup", [...controllers]),
    ),
    ...(v2 === null ? [] : hierarchy(view, v2.mount, "cgroup2", optionsOf(view, v2))),
    ...(attributes.includes("ro") ? [byInit(readOnly(slot("cgroups")), why)] : []),
  ];
}

/** The steps of a `cgroup` mount; none where the host has no cgroups. */
export function planCgroupMount(view: CgroupView): Step[] {
  const { layout, namespace, attributes, own, why } = view;
  if (layout.mode === "none") return [];
  if (layout.mode !== "v2" || layout.v2 === null) return planV1(view);
  const at = inRoot(view.destination);
  if (namespace !== null) {
    const options = optionsOf(view, layout.v2);
    return [byInit(mount({ type: "cgroup2", options, attributes, at }), why)];
  }
  const directory = ownBelow(own, layout.v2.mount);
  return directory === undefined
    ? []
    : [byInit(bind({ from: onHost(directory), attributes, at }), why)];
}
