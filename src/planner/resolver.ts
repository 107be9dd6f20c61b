/** A container's name servers follow the machine's: its file is rewritten when that changes. */

import type { OpOf, Step } from "../plan/op.ts";
import { stateDirectory } from "./root.ts";
import { byParent, onHost } from "./step.ts";

export type ResolverSetting = {
  /** Which file of the state directory; null: none, since a name server of its networks is asked. */
  readonly name: "resolv.conf" | "upstream.conf" | null;
} & Omit<OpOf<"follow_resolver">, "op" | "at">;

type ResolverView = {
  readonly id: string;
  readonly runRoot: string;
  readonly resolver?: ResolverSetting | null;
};

export function planResolver(setting: ResolverView): Step[] {
  const { resolver } = setting;
  if (resolver === undefined || resolver === null) return [];
  const { name, ...how } = resolver;
  const at = name === null ? null : onHost(`${stateDirectory(setting)}/${name}`);
  return [
    byParent(
      { op: "follow_resolver", at, ...how },
      "default: a change of the machine's name servers reaches the container",
    ),
  ];
}
