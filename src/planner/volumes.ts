/** Volumes: opened, or made, by the parent; filled by init when the image's root is there. */

import type { OpOf, Place, Step } from "../plan/op.ts";
import { userNamespace } from "./namespaces.ts";
import type { Setting, VolumeSetting } from "./setting.ts";
import { byInit, byParent, inRoot, mkdir, onHost, slot } from "./step.ts";

export type VolumePlan = {
  /** By the parent, when the container's state is there: from then on the volume is in use. */
  readonly before: readonly Step[];
  /** By the parent, when it has the root. */
  readonly fills: readonly Step[];
  /** By init, before anything is mounted on the root. */
  readonly steps: readonly Step[];
  /** What is shown, by its destination, in place of the source that the configuration names. */
  readonly places: ReadonlyMap<string, Place>;
};

/** Where the data of a volume is, when its directory is kept as `volumeN`. */
const dataOf = ({ device }: VolumeSetting, name: string): Place =>
  device === null ? { in: name, path: "_data" } : onHost(device);

/** The steps of one use of a volume. */
function planUse(use: VolumeSetting, i: number, setting: Setting) {
  const { id, keep } = setting;
  const name = `volume${i}`;
  const why = `volume ${use.directory.replace(/^.*\//, "")} on ${use.destination}`;
  const at = onHost(use.directory);
  const open = byParent({ op: "volume", at, record: use.record, user: id, into: name }, why);
  const undo = {
    op: "leave_volume",
    at,
    user: id,
    gone: [],
    remove: use.temporary,
  } as const;
  const before: Step[] = [keep ? open : { ...open, undo }];
  if (use.kind === "own") return { before, steps: [], fills: [], place: null };
  const root = `volume${i}.data`;
  // A subpath is the container's to make, links and all: it is looked up with the data as its root.
  before.push(byParent({ op: "open", at: dataOf(use, name), flags: ["path"], into: root }, why));
  const staging = use.device === null ? slot(name) : slot(root);
  const { destination, copy } = use;
  const fill = {
    op: "fill",
    volume: name,
    from: inRoot(destination),
    staging,
    to: slot(root),
    copy,
  } as const;
  const place = use.subpath === null ? slot(root) : { in: root, path: use.subpath };
  const fills = planFilling(setting, use, fill, why);
  return fills === null
    ? { before, steps: [byInit(fill, why)], fills: [], place }
    : { before, steps: [], fills, place };
}

/**
 * For a container in a user namespace the parent fills, since a new volume is the host's root's, and
 * gives what nothing was copied to to the namespace's root. Null: init does.
 */
function planFilling(
  { users }: Setting,
  { idmapped }: VolumeSetting,
  fill: OpOf<"fill">,
  why: string,
): Step[] | null {
  if ((users?.owners ?? "same") === "same") return null;
  const inside = (namespace: string | null): Step =>
    byParent({ op: "owners_inside", namespace }, `${why}: on the disk owners are those inside`);
  if (idmapped) return [inside(userNamespace), byParent(fill, why), inside(null)];
  return [
    byParent(fill, why),
    byParent(
      {
        op: "own",
        at: fill.to,
        namespace: userNamespace,
        root: null,
        user: "",
        deep: false,
        fresh: true,
      },
      `${why}: a new one is its root's`,
    ),
  ];
}

export function planVolumes(setting: Setting): VolumePlan {
  const first = setting.volumes[0];
  if (first === undefined) return { before: [], fills: [], steps: [], places: new Map() };
  const uses = setting.volumes.map((use, i) => ({ use, ...planUse(use, i, setting) }));
  const volumes = onHost(first.directory.replace(/\/[^/]*$/, ""));
  return {
    before: [
      byParent(mkdir(volumes, 0o700, true), "the directory of all volumes"),
      ...uses.flatMap(({ before }) => before),
    ],
    fills: uses.flatMap(({ fills }) => fills),
    steps: uses.flatMap(({ steps }) => steps),
    places: new Map(
      uses.flatMap(({ use, place }) => (place === null ? [] : [[use.destination, place] as const])),
    ),
  };
}
