/**
 * A root on a file system that overlayfs does not write to, another overlay or a network's: there the
 * layers are copied. To read them in one view is possible there, too, so that is what is copied.
 */

import type { Step } from "../plan/op.ts";
import type { Facts } from "./facts.ts";
import { userNamespace } from "./namespaces.ts";
import { lowerdirs, notesOption } from "./overlay-options.ts";
import { bind, byInit, byParent, create, mkdir, mount, onHost } from "./step.ts";

/** There when the copy is whole: a start that was killed leaves one that is not. */
export const copiedMark = (data: string): string => `${data}/copied`;

/** Where the copy is: in the place of what else a container has written. */
export const copiedRoot = (data: string): string => `${data}/upper`;

/**
 * By the parent, in the container's data directory.
 *
 * @param isOthers the copy has other owners, and gets its name when it is whole
 */
export const planCopyDirectory = (data: string, why: string, isOthers: boolean): Step[] => [
  byParent({ op: "remove", at: onHost(copiedRoot(data)) }, "root: half a copy is none"),
  ...(isOthers ? [] : [byParent(mkdir(onHost(copiedRoot(data)), 0o755), why)]),
];

export type CopiedRoot = {
  readonly layers: readonly string[];
  readonly data: string;
  /** The copy is there from an earlier start. */
  readonly isThere: boolean;
  readonly facts: Pick<Facts, "kernel" | "userNamespace">;
};

const whyCopied = "root: its file system takes no overlay, so the layers are copied";

const planImage = (
  { layers, facts }: Pick<CopiedRoot, "layers" | "facts">,
  by: typeof byInit,
): Step =>
  by(
    mount({
      type: "overlay",
      options: [...lowerdirs(layers, facts), ...notesOption(facts)],
      attributes: ["ro", "nosuid", "nodev", "noexec"],
      into: "image",
    }),
    "root: the image's layers, to be read",
  );

const planMark = (data: string, by: typeof byInit): Step =>
  by(create(onHost(copiedMark(data)), "", 0o600), "root: the copy is whole");

/** In a user namespace: by the parent, who may give files to others. */
export const planOthersCopy = (copied: Omit<CopiedRoot, "isThere">): Step[] => [
  planImage(copied, byParent),
  byParent(
    {
      op: "user_copy",
      namespace: userNamespace,
      from: { in: "image", path: "." },
      to: onHost(copiedRoot(copied.data)),
    },
    whyCopied,
  ),
  planMark(copied.data, byParent),
];

const planCopy = (copied: CopiedRoot): Step[] => {
  const { data } = copied;
  const why = whyCopied;
  return [
    planImage(copied, byInit),
    byInit(
      {
        op: "open",
        at: onHost(copiedRoot(data)),
        flags: ["path", "directory"],
        into: "copy",
      },
      why,
    ),
    byInit(
      { op: "copy_up", from: { in: "image", path: "." }, to: "copy", mode: true, owner: true },
      why,
    ),
    planMark(data, byInit),
  ];
};

/** Makes the copy where it is not yet there, and keeps it as `root`. */
export const planCopiedRoot = (copied: CopiedRoot): Step[] => [
  ...(copied.isThere ? [] : planCopy(copied)),
  byInit(
    bind({ from: onHost(copiedRoot(copied.data)), into: "root" }),
    "root: a mount of its own, as pivot_root demands",
  ),
];
