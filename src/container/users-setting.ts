/** How the files of a container with a user namespace get the owners that they have inside. */

import { ownersKind } from "../host/idmapped.ts";
import type { Facts } from "../planner/facts.ts";
import type { RootSource, UsersSetting } from "../planner/setting.ts";
import type { Users } from "./users.ts";
import { WishError } from "./wish-error.ts";

export type UsersSettingWish = {
  /** The user namespace is somebody else's. */
  readonly isJoined: boolean;
  readonly root: RootSource;
  readonly dataRoot: string;
  readonly id: string;
  readonly users: Users | null;
};

/** @throws WishError where the root would not be safe */
export function usersSetting(
  { isJoined, root, dataRoot, id, users }: UsersSettingWish,
  facts: Facts,
): UsersSetting {
  const lease = users?.lease ?? null;
  const maps = users?.maps ?? null;
  if (!isJoined && maps === null) return { owners: "same", lease };
  const of = root.kind === "directory" ? root.path : dataRoot;
  const owners = ownersKind({ dataRoot, id, of, maps }, facts);
  const isCopy = root.kind === "overlay" && root.copied !== undefined;
  if (isCopy && owners !== "same" && facts.userNamespace === undefined) {
    throw new WishError([
      `--userns: ${dataRoot} is on a file system that overlayfs does not write to, where a root cannot be kept from opening devices: choose a --root on another, such as a volume`,
    ]);
  }
  return { owners, lease };
}
