/** What an ordinary user is told when there can be no user namespace. */

import { WishError } from "../container/wish-error.ts";
import { noNamespace } from "../host/rootless.ts";
import { whyNoNamespace } from "../host/why-no-namespace.ts";

/** @throws WishError in one line */
export function refuse(env: NodeJS.ProcessEnv): void {
  const failure = noNamespace(env);
  if (failure === null) return;
  const { says, cure } = whyNoNamespace(failure);
  throw new WishError([`${says}: ${cure}`]);
}
