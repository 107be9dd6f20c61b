/**
 * The root of a container of root's in a user namespace: its files belong to users of that namespace.
 *
 * By mounts that show other owners, what is on the disk is as it would be without a namespace: ids may
 * be others at each start, and `commit`, `diff` and `cp` need not know. With copies they do.
 */

import type { Slot, Step } from "../plan/op.ts";
import { userNamespace } from "./namespaces.ts";
import { lowerdirs, notesOption, writableOptions } from "./overlay-options.ts";
import type { Overlay } from "./root.ts";
import type { Setting, UsersSetting } from "./setting.ts";
import { byInit, byParent, mkdir, onHost, slot } from "./step.ts";

/** A start that fails before there is a state gives its ids back, and not in a minute. */
export const planUsersDue = ({ users }: Pick<Setting, "users">): Step[] =>
  typeof users?.lease === "string"
    ? [
        byParent({ op: "due" }, "--userns: its ids are others' when it does not come about", {
          op: "remove",
          at: onHost(users.lease),
        }),
      ]
    : [];

/**
 * Its state says by now which ids it has. A start that has taken too long has them no more: somebody else
 * may have been given them.
 */
export const planUsersLease = ({ users }: Pick<Setting, "users">): Step[] =>
  typeof users?.lease === "string"
    ? [
        byParent(
          { op: "open", at: onHost(users.lease), flags: ["path", "nofollow"], into: "user ids" },
          "--userns: they are still the container's",
        ),
        byParent(
          { op: "remove", at: onHost(users.lease) },
          "--userns: the container's state says which ids it has",
        ),
      ]
    : [];

type RootSetting = Pick<Setting, "dataRoot">;

/** Where the copies of a container's layers are, the lowest first. */
export const copiesOf = (layers: readonly string[], data: string): string[] =>
  layers.map((_, i) => `${data}/layers/${i}`);

/** The layers with other owners: made at the first start, and gone with the container. */
function planCopies(layers: readonly string[], data: string): Step[] {
  const why = "root: an image's layer, whose files belong to users of the namespace";
  return [
    byParent(mkdir(onHost(`${data}/layers`), 0o700, true), why),
    ...copiesOf(layers, data).map((copy, i) =>
      byParent(
        {
          op: "user_copy",
          namespace: userNamespace,
          from: onHost(layers[i] ?? "/"),
          to: onHost(copy),
        },
        why,
      ),
    ),
    ...["upper", "work"].map((name) =>
      byParent(
        {
          op: "own",
          at: onHost(`${data}/${name}`),
          namespace: userNamespace,
          root: null,
          user: "",
          deep: false,
          fresh: false,
        },
        "root: what the container writes is its own root's",
      ),
    ),
  ];
}

/** An overlay by the parent, kept as `root`, and then attached by init. */
export function planUsersRoot(
  overlay: Omit<Overlay, "data"> & { readonly data: string | null },
  setting: RootSetting,
  { owners }: Pick<UsersSetting, "owners">,
): { before: Step[]; steps: Step[] } {
  const { layers, at, options, facts, attributes = [], data } = overlay;
  const copies = owners === "copied" && data !== null;
  const shown = copies ? copiesOf(layers, data) : layers;
  return {
    before: [
      ...(copies ? planCopies(layers, data) : []),
      byParent(
        {
          op: "user_overlay",
          namespace: userNamespace,
          mapped: owners === "mapped",
          base: setting.dataRoot,
          options: [
            ...lowerdirs(shown, facts),
            ...(data === null ? [] : writableOptions(data)),
            ...options,
            ...notesOption(facts),
          ],
          attributes,
          at,
          into: "root",
        },
        "root: the image's layers, and what the container writes, with the owners of its namespace",
      ),
    ],
    steps: [byInit({ op: "attach", mount: "root", at, create: "existing" }, "root")],
  };
}

/** `--rootfs`: the directory itself, shown with other owners; of it no copy is made. */
export const planUsersDirectory = ({ users, root }: Pick<Setting, "users" | "root">): Step[] =>
  users?.owners !== "mapped" || root.kind !== "directory" || root.view !== undefined
    ? []
    : [
        byParent(
          { op: "idmap", mount: "root", namespace: userNamespace, recursive: true },
          "root: its files belong to users of the namespace",
        ),
      ];

/**
 * The executor's pipes are the host's root's, who is nobody inside.
 *
 * @param namespace the slot of the user namespace, or of a process in it; null: there is none
 */
export const planUsersPipes = (
  { streams }: Pick<Setting, "streams">,
  namespace: string | null,
): Step[] =>
  namespace === null || !streams.includes("pipe")
    ? []
    : [byParent({ op: "own_pipes", namespace }, "standard streams: /dev/stdout can be opened")];

/**
 * `U`: mounts whose files are given to the container's user, who may be a name of the image's. In a
 * user namespace the parent does it, which has the rights; and it has the root there. Else init does.
 */
export function planOwned(
  { users, user }: Pick<Setting, "users" | "user">,
  slots: readonly Slot[],
): { readonly before: readonly Step[]; readonly steps: readonly Step[] } {
  const inUsers = users !== undefined && users !== null;
  const by = inUsers ? byParent : byInit;
  const given = slots.map((mount) =>
    by(
      {
        op: "own",
        at: slot(mount),
        namespace: inUsers ? userNamespace : null,
        root: "root",
        user: user === null || user === "0" ? "" : user,
        deep: true,
        fresh: false,
      },
      "U: its files are the container's user's",
    ),
  );
  return inUsers ? { before: given, steps: [] } : { before: [], steps: given };
}
