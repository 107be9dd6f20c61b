/** What is told when whoever has no right to mount can have no user namespace either. */

import { WishError } from "../container/wish-error.ts";
import { noNamespace } from "../host/rootless.ts";
import { whyNoNamespace } from "../host/why-no-namespace.ts";

/** They look at the machine, or at nothing. */
const harmless: ReadonlySet<string> = new Set(["doctor", "info", "explain"]);

/** Root without rights keeps its store, and can do all but this. */
const takesRights: ReadonlySet<string> = new Set([
  "run",
  "create",
  "start",
  "restart",
  "exec",
  "debug",
  "build",
  "unshare",
]);

/** @throws WishError in one line, if the command cannot do without */
export function refuse(command: string, env: NodeJS.ProcessEnv): void {
  const failure = noNamespace(env);
  const isRoot = process.geteuid?.() === 0;
  if (failure === null || harmless.has(command) || (isRoot && !takesRights.has(command))) return;
  const { says, cure } = whyNoNamespace(failure);
  throw new WishError([`${says}: ${cure}`]);
}
