/** What a container with an egress list is planned with. */

import { WishError } from "../container/wish-error.ts";
import type { EgressEntry } from "../options/egress.ts";
import type { EgressSetting } from "../planner/egress.ts";
import { findSystemProgram } from "./installed.ts";

/**
 * @param upstream a text like resolv.conf(5): the servers that its guard asks
 * @throws WishError when the program that loads the rules is missing
 */
export function egressSetting(entries: readonly EgressEntry[], upstream: string): EgressSetting {
  const nft = findSystemProgram("nft", process.env["PIVOT_NFT"]);
  if (nft === null) {
    throw new WishError([
      "--egress: nft is not installed: `apt-get install nftables` does (dnf has the same name)",
    ]);
  }
  return { entries, nft, upstream };
}
